/** A definition while it is edited: the form and the JSON show the same one. */
import { useBlocker } from "@tanstack/react-router";
import { useState } from "react";
import { targetWords } from "../../../words/targets.ts";
import type { Definition } from "./definition/definition.ts";
import { formatDefinition, parseDefinition } from "./definition/parse-definition.ts";

export interface Editor {
  readonly name: string;
  readonly definition: Definition;
  readonly isChanged: boolean;
  /** The text of the JSON, and why it is no definition. The form then has the last one. */
  readonly json: string;
  readonly jsonProblem: string | undefined;
  readonly setName: (name: string) => void;
  readonly setDefinition: (definition: Definition) => void;
  readonly setJson: (text: string) => void;
  readonly discardJson: () => void;
  /** This definition is stored. What was typed while it was saved stays. */
  readonly keep: (definition: Definition) => void;
  /** Starts again, with what is stored. */
  readonly reset: (definition: Definition) => void;
}

interface Initial {
  readonly name: string;
  readonly definition: Definition;
  /** Whether nothing of it is stored. */
  readonly isNew: boolean;
}

export function useEditor({ name: firstName, definition: first, isNew }: Initial): Editor {
  const [name, setName] = useState(firstName);
  const [definition, setDefinition] = useState(first);
  const [stored, setStored] = useState(isNew ? null : first);
  const [typed, setTyped] = useState<string | null>(null);
  const parsed = typed === null ? null : parseDefinition(typed);
  const jsonProblem = parsed && "problem" in parsed ? parsed.problem : undefined;
  const isChanged =
    jsonProblem !== undefined || stored === null || JSON.stringify(stored) !== JSON.stringify(definition);
  return {
    name,
    definition,
    isChanged,
    json: typed ?? formatDefinition(definition),
    jsonProblem,
    setName,
    setDefinition: (next) => {
      setDefinition(next);
      setTyped(null);
    },
    setJson: (text) => {
      setTyped(text);
      const next = parseDefinition(text);
      if ("definition" in next) setDefinition(next.definition);
    },
    discardJson: () => setTyped(null),
    keep: setStored,
    reset: (next) => {
      setDefinition(next);
      setStored(next);
      setTyped(null);
    },
  };
}

/** Asks before a change of the page loses unsaved changes. @param mayLeave says at that moment whether all is saved */
export function useLeaveQuestion(isChanged: boolean, mayLeave: () => boolean): void {
  useBlocker({
    disabled: !isChanged,
    enableBeforeUnload: isChanged,
    shouldBlockFn: ({ current, next }) => {
      const isSamePage =
        current.pathname === next.pathname && versionIn(current.search) === versionIn(next.search);
      return !isSamePage && !mayLeave() && !confirm(targetWords.editor.leave);
    },
  });
}

function versionIn(search: object): unknown {
  return "version" in search ? search.version : undefined;
}

import { Button, Group, Stack } from "@mantine/core";
import { useState } from "react";
import { JsonEditor } from "../../../../parts/json.tsx";
import { targetWords } from "../../../../words/targets.ts";
import { parseDefinition } from "../definition/parse-definition.ts";
import type { Start } from "../definition/start.ts";

const words = targetWords.start;

export function FromJson({ onStart }: { readonly onStart: (start: Start) => void }) {
  const [text, setText] = useState("");
  const parsed = text.trim() === "" ? null : readStart(text);
  return (
    <Stack className="panel" p="md">
      <JsonEditor
        label={words.json}
        description={words.jsonHint}
        initial=""
        rows={12}
        error={parsed && "problem" in parsed ? parsed.problem : undefined}
        onChange={setText}
      />
      <Group justify="flex-end">
        <Button
          disabled={parsed === null || "problem" in parsed}
          onClick={() => parsed && "start" in parsed && onStart(parsed.start)}
        >
          {words.continue}
        </Button>
      </Group>
    </Stack>
  );
}

/** A definition alone, or as answers of the API have it, with its name. */
function readStart(text: string): { readonly start: Start } | { readonly problem: string } {
  const inner = unwrapped(text);
  const parsed = parseDefinition(inner?.text ?? text);
  if ("problem" in parsed) return parsed;
  return { start: { name: inner?.name ?? "", definition: parsed.definition, notes: [], sample: null } };
}

function unwrapped(text: string): { name: string; text: string } | null {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    if (typeof value !== "object" || value === null) return null;
    const { name, version: _, definition, ...rest } = value;
    const own = definition === undefined ? rest : definition;
    return { name: typeof name === "string" ? name : "", text: JSON.stringify(own) };
  } catch {
    return null;
  }
}

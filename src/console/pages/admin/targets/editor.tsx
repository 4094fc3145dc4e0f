/** The form of a definition, its JSON, and the preview below them. */
import { Alert, Anchor, List, Stack, Tabs, Text } from "@mantine/core";
import "@mantine/core/styles/List.layer.css";
import { IconAlertTriangle, IconInfoCircle } from "@tabler/icons-react";
import { CatchBoundary } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { targetWords } from "../../../words/targets.ts";
import { problemsOfAnswer } from "../../tasks/form/api-problems.ts";
import type { Definition } from "./definition/definition.ts";
import { type Problems, placeOf, problemsOf } from "./definition/problems.ts";
import { TABS, type Tab } from "./definition/tabs.ts";
import { FormContext } from "./form/bound.ts";
import { ColumnsTab } from "./form/columns-tab.tsx";
import { RulesTab } from "./form/rules-tab.tsx";
import { TargetTab } from "./form/target-tab.tsx";
import { JsonTab } from "./json-tab.tsx";
import { PreviewPanel } from "./preview/preview-panel.tsx";
import { isAboutDefinition, useLiveTest } from "./preview/use-live-test.ts";
import { useSample } from "./preview/use-sample.ts";
import "./targets.css";
import type { Editor } from "./use-editor.ts";

const words = targetWords.editor;
const MAX_SHOWN = 8;

interface EditorViewProps {
  readonly editor: Editor;
  readonly isNew: boolean;
  readonly isReadOnly: boolean;
  /** Of the last attempt to save this definition. */
  readonly saveError: unknown;
  /** Facts about the destination from before. */
  readonly notes: readonly string[];
  readonly sample: File | null;
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
}

export function EditorView({
  editor,
  isNew,
  isReadOnly,
  saveError,
  notes,
  sample,
  tab,
  onTab,
}: EditorViewProps) {
  const { definition, setDefinition, jsonProblem } = editor;
  const [column, setColumn] = useState(0);
  const samples = useSample(sample);
  const live = useLiveTest(definition, samples.sample);
  const error = saveError ?? (isAboutDefinition(live.error) ? live.error : null);
  const problems = useMemo(() => problemsOf(problemsOfAnswer(error), definition), [error, definition]);
  const state = useMemo(() => ({ problems, isReadOnly }), [problems, isReadOnly]);
  const go = (path: string) => {
    const place = placeOf(path);
    if (place.column !== undefined) setColumn(place.column);
    onTab(place.tab);
  };
  const shown = jsonProblem === undefined ? tab : "json";
  const facts = [...new Set([...notes, ...(live.result?.notes ?? [])])];
  return (
    <FormContext value={state}>
      <Stack gap="md">
        <ProblemList problems={problems} definition={definition} onGo={go} />
        <Tabs
          value={shown}
          onChange={(next) => onTab(TABS.find((known) => known === next) ?? "target")}
          keepMounted={false}
        >
          <Tabs.List aria-label={words.tabsLabel} mb="md">
            {TABS.map((one) => (
              <Tabs.Tab key={one} value={one} disabled={jsonProblem !== undefined && one !== "json"}>
                {words.tabs[one]}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          <CatchBoundary
            getResetKey={() => `${shown} ${editor.json.length}`}
            errorComponent={() => <Alert color="red">{words.cannotShow}</Alert>}
          >
            <Tabs.Panel value="target">
              <TargetTab
                name={editor.name}
                onName={isNew ? editor.setName : undefined}
                definition={definition}
                onChange={setDefinition}
              />
            </Tabs.Panel>
            <Tabs.Panel value="columns">
              <ColumnsTab definition={definition} onChange={setDefinition} at={column} onChoose={setColumn} />
            </Tabs.Panel>
            <Tabs.Panel value="rules">
              <RulesTab definition={definition} onChange={setDefinition} />
            </Tabs.Panel>
          </CatchBoundary>
          <Tabs.Panel value="json">
            <JsonTab
              text={editor.json}
              problem={jsonProblem}
              isReadOnly={isReadOnly}
              onChange={editor.setJson}
              onDiscard={editor.discardJson}
            />
          </Tabs.Panel>
        </Tabs>
        {facts.length > 0 && (
          <Alert color="blue" role="note" title={words.notes} icon={<IconInfoCircle aria-hidden />}>
            <List size="sm">
              {facts.map((fact) => (
                <List.Item key={fact} className="target-wrap">
                  {fact}
                </List.Item>
              ))}
            </List>
          </Alert>
        )}
        <CatchBoundary getResetKey={() => editor.json} errorComponent={() => null}>
          <PreviewPanel
            definition={definition}
            samples={samples}
            live={live}
            onExamples={
              isReadOnly ? undefined : (rows) => setDefinition({ ...definition, example_rows: rows })
            }
          />
        </CatchBoundary>
      </Stack>
    </FormContext>
  );
}

interface ProblemListProps {
  readonly problems: Problems;
  readonly definition: Definition;
  readonly onGo: (path: string) => void;
}

/** All problems, also those of fields that the open part does not show. */
function ProblemList({ problems, definition, onGo }: ProblemListProps) {
  const found = Object.entries(problems);
  if (found.length === 0) return null;
  return (
    <Alert
      color="red"
      icon={<IconAlertTriangle aria-hidden />}
      role="alert"
      title={words.problems(found.length)}
    >
      <List size="sm">
        {found.slice(0, MAX_SHOWN).map(([path, text]) => (
          <List.Item key={path} className="target-wrap">
            <Anchor component="button" type="button" size="sm" onClick={() => onGo(path)}>
              {nameOf(path, definition)}
            </Anchor>{" "}
            <Text span size="sm">
              {text}
            </Text>
          </List.Item>
        ))}
      </List>
    </Alert>
  );
}

function nameOf(path: string, { columns, rules = [] }: Definition): string {
  const [area, position, ...field] = path.split(".");
  if (position === undefined) return path;
  const at = Number(position);
  if (area === "columns") return words.places.column(at + 1, columns[at]?.name ?? "", field.join("."));
  return area === "rules" ? words.places.rule(at + 1, rules[at]?.name ?? "", field.join(".")) : path;
}

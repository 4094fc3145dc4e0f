/** The result of an import of a sample, while the definition is edited. */
import { Alert, Button, Checkbox, FileButton, Group, Loader, SegmentedControl, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { Failure } from "../../../../parts/feedback.tsx";
import { formatCount } from "../../../../parts/format.ts";
import { Section } from "../../../../parts/section.tsx";
import { targetWords } from "../../../../words/targets.ts";
import { ReadProblem } from "../../../imports/read-problem.tsx";
import type { Definition } from "../definition/definition.ts";
import { examplesOf } from "./sample.ts";
import { TestedRows } from "./tested-rows.tsx";
import { isAboutDefinition, type LiveTest } from "./use-live-test.ts";
import type { SampleState } from "./use-sample.ts";

const words = targetWords.preview;
const list = new Intl.ListFormat("en");
const EXAMPLES = 3;

interface PreviewPanelProps {
  readonly definition: Definition;
  readonly samples: SampleState;
  readonly live: LiveTest;
  /** Absent: the definition cannot be changed. */
  readonly onExamples?: ((rows: NonNullable<Definition["example_rows"]>) => void) | undefined;
}

export function PreviewPanel({ definition, samples, live, onExamples }: PreviewPanelProps) {
  const { sample, file, problem, setFile, isFromFile, setFromFile } = samples;
  const { result, error, isRunning } = live;
  const [isOnlyFailed, setOnlyFailed] = useState(false);
  const rows = useMemo(() => sample?.rows ?? exampleCells(definition), [sample, definition]);
  const header = sample?.header ?? exampleHeader(definition);
  const hasRows = rows.length > 0;
  return (
    <Section
      title={words.title}
      actions={
        <Group gap="xs">
          {isRunning && <Loader size={16} aria-label={words.running} role="status" />}
          {file && (definition.example_rows?.length ?? 0) > 0 && (
            <SegmentedControl
              size="xs"
              aria-label={words.sampleLabel}
              value={isFromFile ? "file" : "examples"}
              data={[
                { value: "file", label: words.sampleOf.file },
                { value: "examples", label: words.sampleOf.examples },
              ]}
              onChange={(value) => setFromFile(value === "file")}
            />
          )}
          <FileButton onChange={(chosen) => chosen && setFile(chosen)}>
            {(props) => (
              <Button {...props} size="xs" variant="default">
                {file ? words.change : words.choose}
              </Button>
            )}
          </FileButton>
        </Group>
      }
    >
      <Text size="sm" c="dimmed">
        {hasRows ? words.hint : words.noRows}
        {sample && file && ` ${file.name}: ${words.rows(formatCount(rows.length))}`}
      </Text>
      {problem && isFromFile && <ReadProblem problem={problem} />}
      {error !== null && !isAboutDefinition(error) && <Failure error={error} />}
      {error !== null && isAboutDefinition(error) && result && (
        <Text size="sm" c="dimmed">
          {words.wrong}
        </Text>
      )}
      {result && hasRows && (
        <>
          <Findings test={result} />
          <Group gap="md">
            <Text size="sm" fw={600} aria-live="polite">
              {words.counts(formatCount(result.succeeded), formatCount(result.failed))}
            </Text>
            {result.failed > 0 && (
              <Checkbox
                size="xs"
                label={words.onlyFailed}
                checked={isOnlyFailed}
                onChange={({ currentTarget }) => setOnlyFailed(currentTarget.checked)}
              />
            )}
            {sample && onExamples && sample.rows.length > 0 && (
              <Button
                size="compact-xs"
                variant="subtle"
                onClick={() => onExamples(examplesOf(sample, result.mapping, EXAMPLES))}
              >
                {words.useAsExamples(formatCount(Math.min(EXAMPLES, sample.rows.length)))}
              </Button>
            )}
          </Group>
          <TestedRows
            definition={definition}
            test={result}
            header={header}
            rows={rows}
            numbers={sample?.numbers}
            isOnlyFailed={isOnlyFailed && result.failed > 0}
            isStale={isRunning || error !== null}
          />
        </>
      )}
    </Section>
  );
}

function exampleHeader({ example_rows = [] }: Definition): string[] {
  return [...new Set(example_rows.flatMap((row) => Object.keys(row)))];
}

function exampleCells(definition: Definition): string[][] {
  const header = exampleHeader(definition);
  return (definition.example_rows ?? []).map((row) => header.map((name) => row[name] ?? ""));
}

type Ambiguous = NonNullable<LiveTest["result"]>["ambiguous_dates"][number];

function ambiguousText({ column, cell, read_as }: Ambiguous): string {
  return words.readAs(column, cell, read_as);
}

function Findings({
  test: { unknown, missing, ambiguous_dates },
}: {
  readonly test: NonNullable<LiveTest["result"]>;
}) {
  const found = [
    ...(missing.length > 0 ? [words.missing(list.format(missing))] : []),
    ...(ambiguous_dates.length > 0 ? [words.ambiguous(list.format(ambiguous_dates.map(ambiguousText)))] : []),
    ...(unknown.length > 0 ? [words.unknown(list.format(unknown))] : []),
  ];
  if (found.length === 0) return null;
  return (
    <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} role="status">
      {found.map((text) => (
        <Text key={text} size="sm" className="target-wrap">
          {text}
        </Text>
      ))}
    </Alert>
  );
}

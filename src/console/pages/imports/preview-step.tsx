import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Loading } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { importWords } from "../../words/imports.ts";
import { PreviewTable } from "./preview-table.tsx";
import { ReadProblem } from "./read-problem.tsx";
import { ReadingForm } from "./reading-form.tsx";
import { SheetForm } from "./sheet-form.tsx";
import { type Moves, StepFrame } from "./step-frame.tsx";
import type { Draft } from "./use-draft.ts";

const words = importWords.preview;

export function PreviewStep({ draft, moves }: { readonly draft: Draft; readonly moves: Moves }) {
  const { reading, read, setReading } = draft;
  const { preview, problem } = read;
  const invalid = preview?.rows.filter((row) => row.problem !== null).length ?? 0;
  const csvDialect = preview && !("format" in preview.dialect) ? preview.dialect : undefined;
  const above = preview ? preview.dialect.skip_lines + preview.dialect.preamble_rows : 0;
  return (
    <StepFrame heading={words.heading} hint={words.hint} moves={moves}>
      {preview && "format" in preview.dialect ? (
        <SheetForm
          reading={reading}
          dialect={preview.dialect}
          sheets={preview.sheets}
          onChange={setReading}
        />
      ) : (
        <ReadingForm reading={reading} dialect={csvDialect} onChange={setReading} />
      )}
      {problem && <ReadProblem problem={problem} />}
      {invalid > 0 && (
        <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />}>
          {words.invalidRows(formatCount(invalid))}
        </Alert>
      )}
      {preview === null ? (
        problem === null && <Loading />
      ) : preview.names.length === 0 ? (
        <Alert color="red">{importWords.file.noTable}</Alert>
      ) : (
        <>
          <PreviewTable preview={preview} isStale={read.isReading || problem !== null} />
          <Group justify="space-between" gap="xs">
            <Text size="xs" c="dimmed">
              {shown(preview.isWhole, preview.rows.length, preview.names.length)}
              {above > 0 && ` ${words.skipped(formatCount(above))}.`}
            </Text>
            {Object.keys(reading).length > 0 && (
              <Button size="compact-xs" variant="subtle" onClick={() => setReading({})}>
                {words.reset}
              </Button>
            )}
          </Group>
        </>
      )}
    </StepFrame>
  );
}

function shown(isWhole: boolean, rows: number, columns: number): string {
  if (rows === 0) return words.noRows;
  return `${(isWhole ? words.shownAll : words.shown)(formatCount(rows), formatCount(columns))}.`;
}

/** The settings of a table, in a CSV file or in a sheet. */
import { NativeSelect, NumberInput } from "@mantine/core";
import "@mantine/core/styles/NumberInput.layer.css";
import type { TableDialect } from "../../../platform/csv/open-table.ts";
import { importWords } from "../../words/imports.ts";
import { isGuessedHeader, type Reading, withSetting } from "./reading.ts";

const words = importWords.preview;
const DETECT = "detect";
const MAX_SKIPPED_LINES = 10_000;

interface TableFieldsProps {
  readonly reading: Reading;
  /** Absent: the file is not read yet. */
  readonly dialect: TableDialect | undefined;
  readonly onChange: (reading: Reading) => void;
}

export function TableFields({ reading, dialect, onChange }: TableFieldsProps) {
  const set = <K extends keyof Reading>(name: K, value: Reading[K] | undefined) =>
    onChange(withSetting(reading, name, value));
  const isDetected = reading.header === undefined && dialect !== undefined;
  return (
    <>
      <NativeSelect
        label={words.header}
        description={dialect && isGuessedHeader(dialect) ? words.headerGuess : undefined}
        inputWrapperOrder={["label", "input", "description"]}
        value={reading.header === undefined ? DETECT : String(reading.header)}
        onChange={({ currentTarget: { value } }) =>
          set("header", value === DETECT ? undefined : value === "true")
        }
        data={[
          { value: DETECT, label: isDetected ? words.detected(headerName(dialect)) : words.detect },
          { value: "true", label: words.headerYes },
          { value: "false", label: words.headerNo },
        ]}
      />
      <NumberInput
        label={words.skip}
        description={words.skipHint}
        inputWrapperOrder={["label", "input", "description"]}
        placeholder={dialect ? String(dialect.skip_lines + dialect.preamble_rows) : ""}
        min={0}
        max={MAX_SKIPPED_LINES}
        allowDecimal={false}
        allowNegative={false}
        value={reading.skipLines ?? ""}
        onChange={(value) => set("skipLines", typeof value === "number" ? value : undefined)}
      />
    </>
  );
}

function headerName({ header, header_rows }: TableDialect): string {
  return header ? words.headerRows(header_rows) : words.headerNo;
}

import { NativeSelect, SimpleGrid, TextInput } from "@mantine/core";
import { useState } from "react";
import { ENCODINGS } from "../../../platform/csv/encodings.ts";
import type { Dialect } from "../../../platform/csv/open-csv.ts";
import { importWords } from "../../words/imports.ts";
import {
  delimiterName,
  encodingName,
  isGuessedEncoding,
  quoteName,
  type Reading,
  withSetting,
} from "./reading.ts";
import { TableFields } from "./table-fields.tsx";

const words = importWords.preview;
/** Values of the selects that no file has. */
const DETECT = "detect";
const OTHER = "other";
const DELIMITERS = Object.keys(importWords.delimiters);
const QUOTES = Object.keys(importWords.quotes);

interface ReadingFormProps {
  readonly reading: Reading;
  /** Absent: the file is not read yet. */
  readonly dialect: Dialect | undefined;
  readonly onChange: (reading: Reading) => void;
}

export function ReadingForm({ reading, dialect, onChange }: ReadingFormProps) {
  const [isOther, setOther] = useState(false);
  const set = <K extends keyof Reading>(name: K, value: Reading[K] | undefined) =>
    onChange(withSetting(reading, name, value));
  const detected = (isChosen: boolean, name: string | undefined) => ({
    value: DETECT,
    label: isChosen || name === undefined ? words.detect : words.detected(name),
  });
  const chosenDelimiter = isOther ? OTHER : (reading.delimiter ?? DETECT);
  const delimiters = new Set([...DELIMITERS, ...(reading.delimiter && !isOther ? [reading.delimiter] : [])]);
  return (
    <SimpleGrid cols={{ base: 2, md: 5 }} spacing="sm" className="panel" p="sm">
      <NativeSelect
        label={words.encoding}
        description={dialect && isGuessedEncoding(dialect) ? words.encodingGuess : undefined}
        inputWrapperOrder={["label", "input", "description"]}
        value={reading.encoding ?? DETECT}
        onChange={({ currentTarget: { value } }) => set("encoding", value === DETECT ? undefined : value)}
        data={[
          detected(reading.encoding !== undefined, dialect && encodingName(dialect.encoding)),
          ...ENCODINGS.map((encoding) => ({ value: encoding, label: encodingName(encoding) })),
        ]}
      />
      <div>
        <NativeSelect
          label={words.delimiter}
          value={chosenDelimiter}
          onChange={({ currentTarget: { value } }) => {
            setOther(value === OTHER);
            if (value !== OTHER) set("delimiter", value === DETECT ? undefined : value);
          }}
          data={[
            detected(reading.delimiter !== undefined, dialect && delimiterName(dialect.delimiter)),
            ...[...delimiters].map((delimiter) => ({ value: delimiter, label: delimiterName(delimiter) })),
            { value: OTHER, label: words.otherDelimiter },
          ]}
        />
        {isOther && (
          <TextInput
            mt={6}
            aria-label={words.otherDelimiter}
            placeholder={words.otherDelimiter}
            maxLength={1}
            value={reading.delimiter ?? ""}
            onChange={({ currentTarget: { value } }) => set("delimiter", value === "" ? undefined : value)}
          />
        )}
      </div>
      <NativeSelect
        label={words.quote}
        value={reading.quote === undefined ? DETECT : `quote${reading.quote}`}
        onChange={({ currentTarget: { value } }) =>
          set("quote", value === DETECT ? undefined : value.slice("quote".length))
        }
        data={[
          detected(reading.quote !== undefined, dialect && quoteName(dialect.quote)),
          ...QUOTES.map((quote) => ({ value: `quote${quote}`, label: quoteName(quote) })),
        ]}
      />
      <TableFields reading={reading} dialect={dialect} onChange={onChange} />
    </SimpleGrid>
  );
}

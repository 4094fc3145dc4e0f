import { NativeSelect, Text } from "@mantine/core";
import { targetFormWords } from "../../../../words/target-form.ts";
import { targetWords } from "../../../../words/targets.ts";
import type { Preview } from "../../../imports/preview/read-preview.ts";
import { Samples } from "../../../imports/samples.tsx";
import { COLUMN_TYPES, type Column, type ColumnType, isInFiles } from "../definition/definition.ts";
import type { GuessedColumn } from "../guess/propose-from-file.ts";

const words = targetWords.start;
const { types } = targetFormWords.columns;
/** The editor has all types. These need nothing else. */
const CHOICES = COLUMN_TYPES.filter((type) => isInFiles({ name: "", type }) && type !== "lookup");

interface GuessTableProps {
  readonly preview: Preview;
  readonly guesses: readonly GuessedColumn[];
  readonly columns: readonly Column[];
  readonly onType: (at: number, type: ColumnType) => void;
}

export function GuessTable({ preview, guesses, columns, onType }: GuessTableProps) {
  return (
    <div className="target-preview target-guesses">
      <table className="table" data-cards>
        <thead>
          <tr>
            <th scope="col">{words.header}</th>
            <th scope="col">{words.column}</th>
            <th scope="col">{words.samples}</th>
            <th scope="col">{words.type}</th>
          </tr>
        </thead>
        <tbody>
          {guesses.map(({ header, doubts, column: guessed }, at) => {
            const column = columns[at] ?? guessed;
            return (
              <tr key={header}>
                <td data-title title={header}>
                  {header}
                </td>
                <td data-label={words.column}>{column.name}</td>
                <td data-label={words.samples}>
                  <Samples preview={preview} position={at} />
                </td>
                <td data-label={words.type}>
                  <div>
                    <NativeSelect
                      size="xs"
                      aria-label={words.typeOf(column.name)}
                      data={CHOICES.map((type) => ({ value: type, label: types[type] }))}
                      value={column.type}
                      onChange={({ currentTarget }) => {
                        const type = CHOICES.find((one) => one === currentTarget.value);
                        if (type) onType(at, type);
                      }}
                    />
                    {column.type === guessed.type &&
                      doubts.map((doubt) => (
                        <Text key={doubt} size="xs" c="dimmed" className="target-doubt">
                          {words.doubts[doubt]}
                        </Text>
                      ))}
                  </div>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

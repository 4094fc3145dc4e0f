/** The rows of a sample: their values as they are written, and errors at their cells. */
import { Badge, Text } from "@mantine/core";
import { formatCount } from "../../../../parts/format.ts";
import { targetWords } from "../../../../words/targets.ts";
import type { Definition, TestedRow, TestResult } from "../definition/definition.ts";

const words = targetWords.preview;
/** Beside columns with errors. All cells of 100 rows with 400 columns would make the form slow. */
const MAX_COLUMNS = 40;
const FIRST_ROW = 2;
const MAX_CHARS = 200;

interface TestedRowsProps {
  readonly definition: Definition;
  readonly test: TestResult;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The numbers of the rows in their file. Absent: they are example rows. */
  readonly numbers: readonly number[] | undefined;
  readonly isOnlyFailed: boolean;
  readonly isStale: boolean;
}

export function TestedRows({
  definition,
  test,
  header,
  rows,
  numbers,
  isOnlyFailed,
  isStale,
}: TestedRowsProps) {
  const columns = shownColumns(definition, test);
  const hidden = definition.columns.length - columns.length;
  const shown = isOnlyFailed ? test.rows.filter(({ status }) => status === "failed") : test.rows;
  const positions = new Map(
    Object.entries(test.mapping).map(([column, name]) => [column, header.indexOf(name)]),
  );
  return (
    <>
      <section
        className="target-preview"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls with the keyboard
        tabIndex={0}
        aria-label={words.table}
        aria-busy={isStale || undefined}
      >
        <table className="table">
          <thead>
            <tr>
              <th scope="col" className="end">
                {words.row}
              </th>
              <th scope="col">{words.result}</th>
              {columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.row}>
                <th scope="row" className="end">
                  {formatCount(numbers?.[row.row - FIRST_ROW] ?? row.row)}
                </th>
                <td>
                  <Outcome row={row} columns={columns} />
                </td>
                {columns.map((name) => {
                  const at = positions.get(name) ?? -1;
                  const cell = at === -1 ? undefined : rows[row.row - FIRST_ROW]?.[at];
                  return <Cell key={name} row={row} column={name} cell={cell} />;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {hidden > 0 && (
        <Text size="xs" c="dimmed">
          {words.hidden(formatCount(hidden))}
        </Text>
      )}
    </>
  );
}

/** The first columns, and all that have errors. */
function shownColumns({ columns }: Definition, { rows }: TestResult): string[] {
  const wrong = new Set(rows.flatMap(({ errors }) => errors.map(({ column }) => column)));
  const names = [...new Set(columns.map(({ name }) => name))];
  return names.filter((name, at) => at < MAX_COLUMNS || wrong.has(name));
}

/** Errors of no shown column are said here. */
function Outcome({ row, columns }: { readonly row: TestedRow; readonly columns: readonly string[] }) {
  const { status, effect, errors } = row;
  const others = errors.filter(({ column }) => column === null || !columns.includes(column));
  return (
    <>
      <Badge
        size="sm"
        variant="light"
        tt="none"
        radius="sm"
        className="target-outcome"
        miw="max-content"
        color={status === "success" ? "green" : "red"}
      >
        {status === "failed" ? words.failed : effect ? words.effects[effect] : words.valid}
      </Badge>
      {others.map(({ column, code, message }) => (
        <ErrorText key={`${column} ${code}`} message={message} />
      ))}
    </>
  );
}

interface CellProps {
  readonly row: TestedRow;
  readonly column: string;
  /** As in the sample. undefined: it does not have the column. */
  readonly cell: string | undefined;
}

function Cell({ row: { values, errors }, column, cell }: CellProps) {
  const wrong = errors.filter((error) => error.column === column);
  const value = values?.[column];
  const text = values === null ? cell : value;
  return (
    <td title={cell} data-wrong={wrong.length > 0 || undefined}>
      {text === null ? (
        <Text span size="xs" c="dimmed" ff="monospace">
          {words.null}
        </Text>
      ) : text === undefined ? (
        <Text span size="xs" c="dimmed">
          {values === null ? "" : words.absent}
        </Text>
      ) : (
        text.slice(0, MAX_CHARS)
      )}
      {wrong.map(({ code, message }) => (
        <ErrorText key={code} message={message} />
      ))}
    </td>
  );
}

function ErrorText({ message }: { readonly message: string }) {
  return (
    <Text size="xs" className="target-error">
      {message}
    </Text>
  );
}

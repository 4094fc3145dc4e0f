/** The first rows of a file. Only the cells in sight are in the document, so that a thousand columns scroll without delay. */
import { Tooltip } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import { formatCount } from "../../parts/format.ts";
import { importWords } from "../../words/imports.ts";
import type { Preview, PreviewRow } from "./preview/read-preview.ts";

const words = importWords.preview;
const ROW_PX = 33;
const NUMBER_PX = 64;
const CHAR_PX = 8;
const PADDING_PX = 26;
const WIDTHS = { min: 72, max: 320 };
/** The rows that the width of a column is measured by. */
const MEASURED_ROWS = 30;

export function PreviewTable({ preview, isStale }: { readonly preview: Preview; readonly isStale: boolean }) {
  const scroller = useRef<HTMLElement>(null);
  const { names, skipped } = preview;
  const rows = useMemo(() => [...skipped, ...preview.rows], [preview]);
  const widths = useMemo(() => names.map((_, at) => widthOf(preview, at)), [preview]);
  const vertical = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const horizontal = useVirtualizer({
    horizontal: true,
    count: names.length,
    getScrollElement: () => scroller.current,
    estimateSize: (at) => widths[at] ?? WIDTHS.min,
    overscan: 3,
  });
  useEffect(() => horizontal.measure(), [widths]);
  const columns = horizontal.getVirtualItems();
  const shown = vertical.getVirtualItems();
  const left = columns[0]?.start ?? 0;
  const right = horizontal.getTotalSize() - (columns.at(-1)?.end ?? 0);
  const above = shown[0]?.start ?? 0;
  const below = vertical.getTotalSize() - (shown.at(-1)?.end ?? 0);
  return (
    <section
      ref={scroller}
      className="panel import-preview"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls with the keyboard
      tabIndex={0}
      aria-label={words.table}
      aria-busy={isStale}
    >
      <table
        className="table"
        aria-label={words.table}
        aria-rowcount={rows.length + 1}
        aria-colcount={names.length + 1}
        style={{ width: NUMBER_PX + horizontal.getTotalSize() }}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" className="end" style={{ width: NUMBER_PX }} aria-colindex={1}>
              {words.row}
            </th>
            {left > 0 && <td style={{ width: left }} aria-hidden />}
            {columns.map(({ index, size }) => (
              <th
                key={index}
                scope="col"
                style={{ width: size }}
                aria-colindex={index + 2}
                title={names[index]}
              >
                {names[index]}
              </th>
            ))}
            {right > 0 && <td style={{ width: right }} aria-hidden />}
          </tr>
        </thead>
        <tbody>
          {above > 0 && <tr style={{ height: above }} aria-hidden />}
          {shown.map(({ index }) => {
            const row = rows[index];
            if (!row) return null;
            return (
              <tr key={row.row} aria-rowindex={index + 2} data-skipped={index < skipped.length || undefined}>
                <th scope="row" className="end" aria-colindex={1}>
                  <RowNumber row={row} />
                </th>
                {left > 0 && <td aria-hidden />}
                {columns.map(({ index: column }) => (
                  <td key={column} aria-colindex={column + 2} title={row.cells[column]}>
                    {row.cells[column]}
                  </td>
                ))}
                {right > 0 && <td aria-hidden />}
              </tr>
            );
          })}
          {below > 0 && <tr style={{ height: below }} aria-hidden />}
        </tbody>
      </table>
    </section>
  );
}

function RowNumber({ row: { row, problem } }: { readonly row: PreviewRow }) {
  if (problem === null) return formatCount(row);
  return (
    <Tooltip label={problem} multiline maw={320}>
      <span className="import-invalid">
        <IconAlertTriangle size={13} aria-label={words.invalid} /> {formatCount(row)}
      </span>
    </Tooltip>
  );
}

function widthOf({ names, rows }: Preview, column: number): number {
  const lengths = rows.slice(0, MEASURED_ROWS).map(({ cells }) => cells[column]?.length ?? 0);
  const longest = Math.max(names[column]?.length ?? 0, ...lengths);
  return Math.min(WIDTHS.max, Math.max(WIDTHS.min, longest * CHAR_PX + PADDING_PX));
}

/** Rows of a file as a grid: any number of rows and columns, of which only the visible ones are drawn. */
import { Checkbox, Skeleton } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ClipboardEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { formatCount } from "../../../parts/format.ts";
import { rowWords as words } from "../../../words/rows.ts";
import { CellEditor, type Leaving } from "./cell-editor.tsx";
import { formatCells, parseCells } from "./clipboard.ts";
import { areaOf, type GridModel, isWithin, moved, type Position } from "./grid-model.ts";
import { GridRow } from "./grid-row.tsx";
import { useViewport } from "./use-viewport.ts";
import "./grid.css";

const HEAD = 36;
/** The most cells that one copy takes. */
const MAX_COPIED = 100_000;

export function RowGrid({ model }: { readonly model: GridModel }) {
  const { header, count, rowHeight, widths, lead, editing, target } = model;
  const grid = useRef<HTMLDivElement>(null);
  const id = useId();
  const [current, setCurrent] = useState<Position>({ row: 0, column: 0 });
  const [anchor, setAnchor] = useState<Position>(current);
  /** The text that the editor begins with; null: the text of the cell. */
  const [typing, setTyping] = useState<string | null | undefined>(undefined);
  const numberWidth = editing ? 116 : 92;
  const columns = header.length + 1;
  const view = useViewport(grid, count, rowHeight, HEAD);
  const across = useVirtualizer({
    count: columns,
    horizontal: true,
    getScrollElement: () => grid.current,
    estimateSize: (at) => (at === 0 ? lead.width : (widths[at - 1] ?? 160)),
    overscan: 3,
    paddingStart: numberWidth,
    scrollPaddingStart: numberWidth,
    initialRect: { width: 1200, height: 600 },
  });
  useEffect(() => across.measure(), [across, widths, lead.width]);
  useEffect(() => model.onVisible(view.first, view.last));
  useEffect(() => {
    if (!target || target.index < 0 || target.index >= count) return;
    setCurrent({ row: target.index, column: 0 });
    setAnchor({ row: target.index, column: 0 });
    view.scrollTo(target.index, "start");
    // Only a new target, or one that can be shown now.
  }, [target?.row, target?.index, target !== undefined && count > target.index]);

  const area = areaOf(anchor, current);
  const page = Math.max(1, view.last - view.first - 13);
  const go = (next: Position, isExtending = false) => {
    setCurrent(next);
    if (!isExtending) setAnchor(next);
    view.scrollTo(next.row);
    if (next.column !== current.column) across.scrollToIndex(next.column, { align: "auto" });
  };
  const columnName = header[current.column - 1];
  const row = model.at(current.row);
  const canEdit = editing && row && columnName !== undefined && !model.viewCell(row, columnName).isSecret;
  const edit = (text: string | null) => {
    if (canEdit) setTyping(text);
  };
  const save = (text: string, leaving: Leaving) => {
    setTyping(undefined);
    if (row && columnName !== undefined)
      editing?.change([
        { row: row.row, column: columnName, before: row.fields[columnName] ?? "", after: text },
      ]);
    // A click elsewhere has moved on already.
    if (leaving === "stay") return;
    const key = { down: "ArrowDown", right: "ArrowRight", left: "ArrowLeft" }[leaving];
    go(moved(current, key, false, { rows: count, columns, page }) ?? current);
    grid.current?.focus({ preventScroll: true });
  };
  const cancel = () => {
    setTyping(undefined);
    grid.current?.focus({ preventScroll: true });
  };
  const clear = () => {
    const cells = cellsIn(model, area).flat();
    editing?.change(
      cells.flatMap(({ row, column, stored, isSecret }) =>
        isSecret ? [] : [{ row, column, before: stored, after: "" }],
      ),
    );
  };
  const toggle = () => {
    if (!editing || !row) return;
    const selected = new Set(editing.selected);
    if (!selected.delete(row.row)) selected.add(row.row);
    editing.select(selected);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== grid.current || event.altKey) return;
    const isCommand = event.ctrlKey || event.metaKey;
    const next = moved(current, event.key, isCommand, { rows: count, columns, page });
    const run = next
      ? () => go(next, event.shiftKey)
      : isCommand
        ? { z: editing?.undo }[event.key.toLowerCase()]
        : keyAction(event.key);
    if (!run) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  };
  const keyAction = (key: string): (() => void) | undefined => {
    if (key === "Enter" || key === "F2")
      return canEdit ? () => edit(null) : () => row && model.onOpen(row.row);
    if (!editing) return undefined;
    if (key === " " && current.column === 0) return toggle;
    if (key === "Delete" || key === "Backspace") return clear;
    return canEdit && key.length === 1 ? () => edit(key) : undefined;
  };
  const onCopy = (event: ClipboardEvent) => {
    if (event.target !== grid.current) return;
    event.preventDefault();
    const cells = cellsIn(model, area).map((line) => line.map(({ text }) => text));
    event.clipboardData.setData("text/plain", formatCells(cells));
  };
  const onPaste = (event: ClipboardEvent) => {
    if (!editing || event.target !== grid.current) return;
    event.preventDefault();
    const cells = parseCells(event.clipboardData.getData("text/plain"));
    editing.paste(area.top, Math.max(0, area.left - 1), fill(cells, area));
  };

  const shown = across.getVirtualItems();
  const width = across.getTotalSize();
  const indices = Array.from({ length: Math.max(0, view.last - view.first + 1) }, (_, at) => view.first + at);
  const cellId = (position: Position) => `${id}-${position.row}-${position.column}`;
  return (
    <div
      ref={grid}
      className="panel grid"
      role="grid"
      tabIndex={0}
      aria-label={model.label}
      aria-rowcount={model.total + 1}
      aria-colcount={columns + 1}
      aria-multiselectable
      aria-readonly={!editing}
      aria-activedescendant={count > 0 ? cellId(current) : undefined}
      onKeyDown={onKeyDown}
      onCopy={onCopy}
      onPaste={onPaste}
    >
      <div className="grid-head" role="row" aria-rowindex={1} style={{ width }}>
        <div className="grid-number" role="columnheader" aria-colindex={1} style={{ width: numberWidth }}>
          {words.number}
        </div>
        {shown.map(({ index, start, size }) => (
          <div
            key={index}
            className="grid-cell"
            role="columnheader"
            aria-colindex={index + 2}
            style={{ left: start, width: size }}
            title={index === 0 ? lead.name : header[index - 1]}
          >
            <span className="grid-text">{index === 0 ? lead.name : header[index - 1]}</span>
          </div>
        ))}
      </div>
      <div className="grid-body" role="rowgroup" style={{ height: view.height, width }}>
        {indices.map((index) => {
          const slot = model.at(index);
          const number = model.numberAt(index);
          return (
            <GridRow
              key={index}
              index={index}
              top={view.topOf(index)}
              width={width}
              height={rowHeight}
              columns={shown}
              model={model}
              row={slot}
              isCurrent={(column) => current.row === index && current.column === column}
              isSelected={(column) =>
                area.top !== area.bottom || area.left !== area.right
                  ? isWithin({ row: index, column }, area)
                  : false
              }
              cellId={(column) => cellId({ row: index, column })}
              onPoint={(column, isExtending) => {
                setCurrent({ row: index, column });
                if (!isExtending) setAnchor({ row: index, column });
                if (document.activeElement !== grid.current) grid.current?.focus({ preventScroll: true });
              }}
              onEdit={() => edit(null)}
              editor={
                typing !== undefined && current.row === index && columnName !== undefined && slot ? (
                  <CellEditor
                    label={words.cell(columnName, formatCount(slot.row))}
                    initial={typing ?? model.viewCell(slot, columnName).text}
                    isReplacing={typing !== null}
                    onSave={save}
                    onCancel={cancel}
                  />
                ) : null
              }
              number={
                <div
                  className="grid-number"
                  role="rowheader"
                  aria-colindex={1}
                  style={{ width: numberWidth }}
                >
                  {editing && slot && (
                    <Checkbox
                      size="xs"
                      tabIndex={-1}
                      aria-label={words.select(formatCount(slot.row))}
                      checked={editing.selected.has(slot.row)}
                      onChange={() => {
                        const selected = new Set(editing.selected);
                        if (!selected.delete(slot.row)) selected.add(slot.row);
                        editing.select(selected);
                      }}
                      mr="auto"
                    />
                  )}
                  {slot ? (
                    <button
                      type="button"
                      className="grid-open"
                      tabIndex={-1}
                      onClick={() => model.onOpen(slot.row)}
                      aria-label={words.open(formatCount(slot.row))}
                    >
                      {formatCount(slot.row)}
                    </button>
                  ) : number === undefined ? (
                    <Skeleton height={10} width={30} />
                  ) : (
                    formatCount(number)
                  )}
                </div>
              }
            />
          );
        })}
      </div>
    </div>
  );
}

interface CopiedCell {
  readonly row: number;
  readonly column: string;
  readonly stored: string;
  readonly text: string;
  readonly isSecret: boolean;
}

function cellsIn(model: GridModel, { top, bottom, left, right }: ReturnType<typeof areaOf>): CopiedCell[][] {
  const names = model.header.slice(Math.max(0, left - 1), Math.max(1, right));
  const lines: CopiedCell[][] = [];
  for (let index = top; index <= bottom && lines.length * names.length < MAX_COPIED; index++) {
    const row = model.at(index);
    if (!row) continue;
    lines.push(
      names.map((column) => {
        const { text, isSecret } = model.viewCell(row, column);
        return { row: row.row, column, stored: row.fields[column] ?? "", text, isSecret };
      }),
    );
  }
  return lines;
}

/** One copied cell fills the whole selection, as in a spreadsheet. */
function fill(cells: string[][], { top, bottom, left, right }: ReturnType<typeof areaOf>): string[][] {
  const [[only] = []] = cells;
  if (cells.length !== 1 || cells[0]?.length !== 1 || only === undefined) return cells;
  return Array.from({ length: bottom - top + 1 }, () =>
    Array<string>(right - Math.max(1, left) + 1).fill(only),
  );
}

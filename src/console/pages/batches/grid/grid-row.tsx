import { Skeleton } from "@mantine/core";
import type { VirtualItem } from "@tanstack/react-virtual";
import type { ReactNode } from "react";
import { rowWords as words } from "../../../words/rows.ts";
import type { CellView } from "./cells.ts";
import type { GridModel } from "./grid-model.ts";
import type { Slot } from "./windows.ts";

interface GridRowProps {
  readonly index: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly columns: readonly VirtualItem[];
  readonly model: GridModel;
  readonly row: Slot;
  readonly isCurrent: (column: number) => boolean;
  readonly isSelected: (column: number) => boolean;
  readonly cellId: (column: number) => string;
  readonly onPoint: (column: number, isExtending: boolean) => void;
  readonly onEdit: () => void;
  /** Shown in the current cell. */
  readonly editor: ReactNode;
  readonly number: ReactNode;
}

export function GridRow({ index, top, width, height, columns, model, row, number, ...cell }: GridRowProps) {
  return (
    <div
      className="grid-row"
      role="row"
      aria-rowindex={index + 2}
      aria-selected={row && model.editing ? model.editing.selected.has(row.row) : undefined}
      style={{ width, height, transform: `translateY(${top}px)` }}
    >
      {number}
      {row === null ? (
        <LeftOut {...cell} />
      ) : (
        columns.map((column) => <Cell key={column.index} column={column} model={model} row={row} {...cell} />)
      )}
    </div>
  );
}

type CellProps = Pick<
  GridRowProps,
  "isCurrent" | "isSelected" | "cellId" | "onPoint" | "onEdit" | "editor" | "model"
> & {
  readonly column: VirtualItem;
  readonly row: Exclude<Slot, null>;
};

function Cell({ column, model, row, isCurrent, isSelected, cellId, onPoint, onEdit, editor }: CellProps) {
  const { index, start, size } = column;
  const isHere = isCurrent(index);
  const name = model.header[index - 1];
  const view = row && name !== undefined ? model.viewCell(row, name) : null;
  const content = row ? view ? <Content view={view} /> : model.lead.cell(row) : <Skeleton height={10} />;
  return (
    <div
      id={cellId(index)}
      className="grid-cell"
      role="gridcell"
      aria-colindex={index + 2}
      aria-invalid={view !== null && view.errors.length > 0 ? true : undefined}
      aria-readonly={model.editing && (!view || view.isSecret) ? true : undefined}
      data-current={isHere || undefined}
      data-selected={isSelected(index) || undefined}
      data-invalid={(view !== null && view.errors.length > 0) || undefined}
      data-edited={view?.isEdited || undefined}
      data-secret={view?.isSecret || undefined}
      style={{ left: start, width: size }}
      title={view ? [view.text, ...view.errors].join("\n") : undefined}
      onMouseDown={(event) => {
        if (event.button === 0 && !(isHere && editor)) onPoint(index, event.shiftKey);
      }}
      onDoubleClick={onEdit}
    >
      {content}
      {isHere && editor}
    </div>
  );
}

function Content({ view }: { readonly view: CellView }) {
  return (
    <>
      <span className="grid-text">{view.isSecret && view.text !== "" ? words.secret : view.text}</span>
      {view.errors.length > 0 && <span className="grid-error">{view.errors.join(" ")}</span>}
    </>
  );
}

/** A row number without a row, such as that of a blank row. */
function LeftOut({ isCurrent, cellId, onPoint }: Pick<GridRowProps, "isCurrent" | "cellId" | "onPoint">) {
  return (
    <div
      id={cellId(0)}
      className="grid-cell grid-left-out"
      role="gridcell"
      aria-colindex={2}
      data-current={isCurrent(0) || undefined}
      style={{ left: 130, width: 260 }}
      onMouseDown={() => onPoint(0, false)}
    >
      {words.leftOut}
    </div>
  );
}

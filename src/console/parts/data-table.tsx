/** A list of the API as a table: keyboard, selection, more pages on demand, cards on a phone. */
import { Button, Center, Checkbox, Text } from "@mantine/core";
import { type ReactNode, useRef, useState } from "react";
import type { List } from "../api/queries.ts";
import { words } from "../words/common.ts";
import { Failure, Loading } from "./feedback.tsx";
import { formatCount } from "./format.ts";
import { KeepSearching } from "./keep-searching.tsx";
import { useShortcuts } from "./keyboard.ts";

export interface Column<T> {
  readonly name: string;
  readonly cell: (item: T) => ReactNode;
  /** Numbers are aligned to the right. */
  readonly isNumber?: boolean;
  /** The heading of the card on a phone, and the header of its row. */
  readonly isTitle?: boolean;
  readonly width?: number;
}

export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** @param next gets the latest ids: the key `x` can follow before the table is drawn again */
  readonly set: (next: (latest: ReadonlySet<string>) => ReadonlySet<string>) => void;
}

interface DataTableProps<T> {
  /** Read by screen readers. */
  readonly label: string;
  readonly list: List<T>;
  readonly columns: readonly Column<T>[];
  readonly idOf: (item: T) => string;
  /** Opens an item on Enter. Links in the cells do the same for the mouse. */
  readonly onOpen?: (item: T) => void;
  /** Items are chosen with boxes, or with the key `x`. */
  readonly selection?: Selection & { readonly nameOf: (item: T) => string };
  /** Shown if the list has no items. */
  readonly empty: ReactNode;
}

export function DataTable<T>({ label, list, columns, idOf, onOpen, selection, empty }: DataTableProps<T>) {
  const [currentId, setCurrentId] = useState<string>();
  const body = useRef<HTMLTableSectionElement>(null);
  const { items } = list;
  // New items come in above: the row that the user has chosen stays the same.
  const current = items.findIndex((item) => idOf(item) === currentId);

  const move = (by: number) => {
    const next = Math.max(0, Math.min(items.length - 1, current + by));
    const item = items[next];
    if (item) setCurrentId(idOf(item));
    body.current?.rows[next]?.scrollIntoView({ block: "nearest" });
    if (next === items.length - 1 && list.hasMore) list.loadMore();
  };
  const toggle = (item: T) => {
    selection?.set((latest) => {
      const ids = new Set(latest);
      if (!ids.delete(idOf(item))) ids.add(idOf(item));
      return ids;
    });
  };
  const withCurrent = (run: (item: T) => void) => () => {
    const item = items[current];
    if (item) run(item);
  };
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    ...(selection ? { x: withCurrent(toggle), Escape: () => selection.set(() => new Set()) } : {}),
    ...(onOpen ? { Enter: withCurrent(onOpen) } : {}),
  });

  if (list.isLoading) return <Loading />;
  if (list.error && items.length === 0) return <Failure error={list.error} onRetry={list.refetch} />;
  if (items.length === 0) return list.hasMore ? <KeepSearching list={list} /> : empty;
  const areAllSelected = selection !== undefined && items.every((item) => selection.ids.has(idOf(item)));
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls with the keyboard */}
      <section className="panel" style={{ overflowX: "auto" }} tabIndex={0} aria-label={label}>
        <table className="table" data-cards>
          <thead>
            <tr>
              {selection && (
                <th style={{ width: 36 }}>
                  <Checkbox
                    size="xs"
                    aria-label={words.selectAll}
                    checked={areAllSelected}
                    indeterminate={!areAllSelected && selection.ids.size > 0}
                    onChange={() => selection.set(() => new Set(areAllSelected ? [] : items.map(idOf)))}
                  />
                </th>
              )}
              {columns.map(({ name, isNumber, width }) => (
                <th key={name} scope="col" className={isNumber ? "end" : ""} style={width ? { width } : {}}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body}>
            {items.map((item) => {
              const id = idOf(item);
              return (
                <tr key={id} data-current={id === currentId || undefined} onClick={() => setCurrentId(id)}>
                  {selection && (
                    <td>
                      <Checkbox
                        size="xs"
                        aria-label={words.select(selection.nameOf(item))}
                        checked={selection.ids.has(id)}
                        onChange={() => toggle(item)}
                      />
                    </td>
                  )}
                  {columns.map(({ name, cell, isNumber, isTitle }) => (
                    <td
                      key={name}
                      className={isNumber ? "end" : ""}
                      {...(isTitle ? { "data-title": true } : { "data-label": name })}
                    >
                      {cell(item)}
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      <Center>
        {list.searchedTo !== null ? (
          <KeepSearching list={list} />
        ) : list.hasMore ? (
          <Button variant="default" size="xs" loading={list.isLoadingMore} onClick={list.loadMore}>
            {words.more}
          </Button>
        ) : (
          <Text size="xs" c="dimmed">
            {words.loaded(formatCount(items.length))}
          </Text>
        )}
      </Center>
    </>
  );
}

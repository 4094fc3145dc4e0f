import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useSyncExternalStore } from "react";
import { readRows } from "../data/api.ts";
import type { Batch, RowFilter } from "../data/types.ts";
import { RowWindows } from "./windows.ts";

/** While a batch runs, its rows are read again at most this often. */
const REFRESH_MS = 2000;

interface RowsOptions {
  readonly filter: RowFilter;
  readonly fromRow?: number;
}

/** The rows of a batch, kept fresh while it changes. */
export function useRows(batch: Batch, { filter, fromRow = 1 }: RowsOptions): RowWindows {
  const { id, counts, warnings } = batch;
  const key = JSON.stringify(filter);
  const isDense = key === "{}";
  // Rows that were left out have numbers too.
  const maxSlots = counts.total + (warnings.blank_rows ?? 0) + (warnings.repeated_headers ?? 0);
  const windows = useMemo(
    () =>
      new RowWindows({
        read: (at) => readRows(id, JSON.parse(key) as RowFilter, at),
        isDense,
        maxSlots,
        fromRow,
      }),
    [id, key, isDense, maxSlots, fromRow],
  );
  useEffect(() => {
    windows.show(0, 0);
    return () => windows.dispose();
  }, [windows]);
  useRefresh(windows, id);
  useSyncExternalStore(windows.subscribe, windows.version);
  return windows;
}

/** Reads the rows again after everything that makes pages read the batch again. */
function useRefresh(windows: RowWindows, batchId: string): void {
  const { dataUpdatedAt: version } = useQuery({
    queryKey: ["/api/v1/batches/{batch_id}/rows", { path: { batch_id: batchId } }, "version"],
    queryFn: () => Date.now(),
  });
  const read = useRef({ windows, version, at: 0 });
  useEffect(() => {
    if (read.current.windows !== windows || read.current.version === 0)
      read.current = { windows, version, at: Date.now() };
    if (read.current.version === version) return;
    const refresh = () => {
      read.current = { windows, version, at: Date.now() };
      windows.refresh();
    };
    const timer = setTimeout(refresh, Math.max(0, read.current.at + REFRESH_MS - Date.now()));
    return () => clearTimeout(timer);
  }, [windows, version]);
}

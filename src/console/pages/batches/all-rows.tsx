/** Every row of an import, however many. */
import { Select, Stack } from "@mantine/core";
import { getRouteApi } from "@tanstack/react-router";
import { Empty, Failure, Loading } from "../../parts/feedback.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { batchWords } from "../../words/batches.ts";
import { rowWords as words } from "../../words/rows.ts";
import { ROW_STATUSES } from "./choices.ts";
import type { Batch, Row, RowFilter } from "./data/types.ts";
import { viewCell } from "./grid/cells.ts";
import { NO_EDITS } from "./grid/edits.ts";
import type { GridModel } from "./grid/grid-model.ts";
import { RowBar } from "./grid/row-bar.tsx";
import { RowGrid } from "./grid/row-grid.tsx";
import { useRows } from "./grid/use-rows.ts";
import { useSource } from "./grid/use-source.ts";
import type { RowWindows } from "./grid/windows.ts";

const route = getRouteApi("/signed-in/batches/$batchId");

interface AllRowsProps {
  readonly batch: Batch;
  readonly onOpen: (row: number) => void;
}

export function AllRows({ batch, onOpen }: AllRowsProps) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { status, undo, from } = search;
  const filter: RowFilter = { ...(status && !undo ? { status } : {}), ...(undo ? { undo } : {}) };
  const isAll = !status && !undo;
  // All rows are scrolled to; a filtered list begins at the row.
  const rows = useRows(batch, { filter, ...(isAll || from === undefined ? {} : { fromRow: from }) });
  return (
    <Stack gap="sm">
      <RowBar rows={rows}>
        <Select
          size="xs"
          w={170}
          aria-label={words.filterStatus}
          placeholder={words.allStates}
          clearable
          value={status ?? null}
          data={ROW_STATUSES.map((value) => ({ value, label: batchWords.outcomes[value] }))}
          onChange={(value) =>
            void navigate({
              search: { tab: "rows", ...(value ? { status: value as Row["status"] } : {}) },
              replace: true,
            })
          }
        />
      </RowBar>
      <Rows batch={batch} rows={rows} onOpen={onOpen} from={isAll ? from : undefined} isAll={isAll} />
    </Stack>
  );
}

interface RowsProps extends AllRowsProps {
  readonly rows: RowWindows;
  readonly from: number | undefined;
  readonly isAll: boolean;
}

function Rows({ batch, rows, onOpen, from, isAll }: RowsProps) {
  const { status } = route.useSearch();
  const { rules, source } = useSource(batch, rows);
  if (rows.isLoading) return <Loading />;
  if (rows.error && rows.count === 0) return <Failure error={rows.error} onRetry={() => rows.refresh()} />;
  if (rows.count === 0) {
    return isAll ? (
      <Empty title={words.emptyAll} hint={words.emptyAllHint} />
    ) : (
      <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
    );
  }
  const model: GridModel = {
    ...source,
    label: words.allLabel,
    total: isAll ? rows.count : status ? batch.counts[status] : -2,
    rowHeight: 36,
    lead: { name: words.status, width: 150, cell: ({ status }) => <StateBadge state={status} /> },
    viewCell: (row, name) => viewCell(row, name, NO_EDITS, rules),
    onOpen,
    target: from === undefined ? undefined : { row: from, index: rows.indexOf(from) },
  };
  return <RowGrid model={model} />;
}

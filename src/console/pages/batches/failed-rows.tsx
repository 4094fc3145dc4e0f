/** The failed rows of an import, edited in place. */
import { Button, Stack, Text } from "@mantine/core";
import { IconRefresh, IconReplace } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { Empty, Failure, Loading, showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { useBusy } from "../../parts/use-busy.ts";
import { rowWords as words } from "../../words/rows.ts";
import { allows } from "../allowed-actions.ts";
import { retryRows } from "./data/commands.ts";
import type { Batch, Row, RowFilter } from "./data/types.ts";
import { problemsOf, viewCell } from "./grid/cells.ts";
import type { GridEditing, GridModel } from "./grid/grid-model.ts";
import { RowBar } from "./grid/row-bar.tsx";
import { RowGrid } from "./grid/row-grid.tsx";
import { SaveBar } from "./grid/save-bar.tsx";
import { useEdits } from "./grid/use-edits.ts";
import { usePaste } from "./grid/use-paste.ts";
import { useRows } from "./grid/use-rows.ts";
import { useSource } from "./grid/use-source.ts";
import type { RowWindows } from "./grid/windows.ts";
import { Replace } from "./replace.tsx";

const route = getRouteApi("/signed-in/batches/$batchId");

interface FailedRowsProps {
  readonly batch: Batch;
  readonly onOpen: (row: number) => void;
}

export function FailedRows({ batch, onOpen }: FailedRowsProps) {
  const { code, column, whole, from } = route.useSearch();
  const filter: RowFilter = {
    status: "failed",
    ...(code === undefined ? {} : { code }),
    ...(whole ? { column: "" } : column === undefined ? {} : { column }),
  };
  const rows = useRows(batch, { filter, ...(from === undefined ? {} : { fromRow: from }) });
  const own = useEdits(batch.id);
  const [selected, select] = useState<ReadonlySet<number>>(new Set());
  const [isReplacing, setReplacing] = useState(false);
  const paste = usePaste(batch, rows, own);
  const canEdit = allows(batch, "edit_rows");
  const isFiltered = code !== undefined || whole === true || column !== undefined;
  const editing: GridEditing | undefined = canEdit
    ? { change: own.change, undo: own.undo, paste, selected, select }
    : undefined;
  return (
    <Stack gap="sm">
      <RowBar rows={rows}>
        {canEdit && (
          <>
            <Button
              size="xs"
              variant="default"
              leftSection={<IconReplace size={14} aria-hidden />}
              onClick={() => setReplacing(true)}
            >
              {words.replace}
            </Button>
            <RetryButton batch={batch} selected={selected} onDone={() => select(new Set())} />
          </>
        )}
      </RowBar>
      {canEdit && <SaveBar batch={batch} own={own} />}
      <FailedGrid
        batch={batch}
        rows={rows}
        edits={own.edits}
        editing={editing}
        onOpen={onOpen}
        isFiltered={isFiltered}
      />
      <Text size="xs" c="dimmed">
        {canEdit ? words.keys : batch.counts.failed > 0 && words.cannotEdit}
      </Text>
      {isReplacing && (
        <Replace batch={batch} hasEdits={own.edits.rows.size > 0} onClose={() => setReplacing(false)} />
      )}
    </Stack>
  );
}

interface FailedGridProps extends FailedRowsProps {
  readonly rows: RowWindows;
  readonly edits: ReturnType<typeof useEdits>["edits"];
  readonly editing: GridEditing | undefined;
  readonly isFiltered: boolean;
}

function FailedGrid({ batch, rows, edits, editing, onOpen, isFiltered }: FailedGridProps) {
  const { rules, source } = useSource(batch, rows);
  if (rows.isLoading) return <Loading />;
  if (rows.error && rows.count === 0) return <Failure error={rows.error} onRetry={() => rows.refresh()} />;
  if (rows.count === 0) {
    return isFiltered ? (
      <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
    ) : (
      <Empty title={words.emptyFailed} hint={words.emptyFailedHint} />
    );
  }
  const model: GridModel = {
    ...source,
    label: words.failedLabel,
    total: isFiltered ? -2 : batch.counts.failed,
    rowHeight: 48,
    lead: {
      name: words.problem,
      width: 230,
      cell: (row) => <Problem messages={problemsOf(row, edits, rules)} row={row} />,
    },
    viewCell: (row, name) => viewCell(row, name, edits, rules),
    onOpen,
    editing,
  };
  return <RowGrid model={model} />;
}

function Problem({ messages, row }: { readonly messages: readonly string[]; readonly row: Row }) {
  const text = messages.length > 0 ? messages.join(" ") : (row.error_message ?? "");
  return (
    <span className="grid-problem" title={text}>
      {text}
    </span>
  );
}

interface RetryButtonProps {
  readonly batch: Batch;
  readonly selected: ReadonlySet<number>;
  readonly onDone: () => void;
}

/** Retries the selected rows, or all. */
function RetryButton({ batch: { id, counts }, selected, onDone }: RetryButtonProps) {
  const [isBusy, run] = useBusy();
  const count = selected.size > 0 ? selected.size : counts.failed;
  const text = words.rows(count, formatCount(count));
  return (
    <Button
      size="xs"
      variant={selected.size > 0 ? "filled" : "default"}
      loading={isBusy}
      leftSection={<IconRefresh size={14} aria-hidden />}
      onClick={() =>
        run(async () => {
          await retryRows(id, selected.size > 0 ? { rows: [...selected] } : {});
          onDone();
          showDone(words.retried(text));
        })
      }
    >
      {selected.size > 0 ? words.retrySelected(text) : words.retryAll(count, formatCount(count))}
    </Button>
  );
}

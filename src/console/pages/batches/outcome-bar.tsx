import { Group, Text } from "@mantine/core";
import { formatCount, formatShare } from "../../parts/format.ts";
import { batchWords as words } from "../../words/batches.ts";
import { hasEnded, ROW_STATUSES } from "./choices.ts";
import type { BatchState, ListedBatch, RowStatus } from "./data/types.ts";
import "./outcome-bar.css";

type Counted = Pick<ListedBatch, "counts" | "state">;

/** After a dry run, rows without a result have passed the check. */
export function outcomeName(status: RowStatus, state: BatchState): string {
  return status === "pending" && state === "validated" ? words.checked : words.outcomes[status];
}

/** The rows of an import by outcome. Patterns and words tell the parts apart, not only colours. */
export function OutcomeBar({ batch, height = 8 }: { readonly batch: Counted; readonly height?: number }) {
  const { counts, state } = batch;
  const parts = ROW_STATUSES.filter((status) => counts[status] > 0);
  const label = parts
    .map((status) => `${formatCount(counts[status])} ${outcomeName(status, state)}`)
    .join(", ");
  return (
    <div
      className="outcome-bar"
      style={{ height }}
      role="img"
      aria-label={label || words.outcomes.pending}
      title={label}
    >
      {parts.map((status) => (
        <span
          key={status}
          data-outcome={status}
          data-checked={state === "validated" || undefined}
          style={{ flexGrow: counts[status] / counts.total }}
        />
      ))}
    </div>
  );
}

/** The rows that have a result. */
export function countDone({ counts: { total, pending, processing, unprocessed }, state }: Counted): number {
  return hasEnded(state) ? total - unprocessed : total - pending - processing;
}

/** The share of rows that have a result, from 0 to 1. */
export function shareDone(batch: Counted): number {
  const { total } = batch.counts;
  return total === 0 ? Number(hasEnded(batch.state)) : countDone(batch) / total;
}

export function OutcomeSummary({ batch }: { readonly batch: Counted }) {
  const { failed } = batch.counts;
  return (
    <Group gap={8} wrap="nowrap" justify="flex-end">
      <Text span size="xs" c="dimmed">
        {failed > 0 ? words.failedCount(formatCount(failed)) : formatShare(shareDone(batch))}
      </Text>
      <div style={{ width: 110 }}>
        <OutcomeBar batch={batch} />
      </div>
    </Group>
  );
}

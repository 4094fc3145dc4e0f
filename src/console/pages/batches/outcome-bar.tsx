import { Group, Text } from "@mantine/core";
import { formatCount, formatShare } from "../../parts/format.ts";
import { batchWords as words } from "../../words/batches.ts";
import type { ListedBatch } from "./api.ts";
import { ROW_STATUSES } from "./choices.ts";
import "./outcome-bar.css";

type Counts = ListedBatch["counts"];

/** The rows of an import by outcome. Patterns and words tell the parts apart, not only colours. */
export function OutcomeBar({ counts, height = 8 }: { readonly counts: Counts; readonly height?: number }) {
  const parts = ROW_STATUSES.filter((status) => counts[status] > 0);
  const label = parts.map((status) => `${formatCount(counts[status])} ${words.outcomes[status]}`).join(", ");
  return (
    <div
      className="outcome-bar"
      style={{ height }}
      role="img"
      aria-label={label || words.outcomes.pending}
      title={label}
    >
      {parts.map((status) => (
        <span key={status} data-outcome={status} style={{ flexGrow: counts[status] / counts.total }} />
      ))}
    </div>
  );
}

/** The share of rows that have a result, from 0 to 1. */
export function shareDone({ total, pending, processing }: Counts): number {
  return total === 0 ? 0 : (total - pending - processing) / total;
}

export function OutcomeSummary({ counts }: { readonly counts: Counts }) {
  return (
    <Group gap={8} wrap="nowrap" justify="flex-end">
      <Text span size="xs" c="dimmed">
        {counts.failed > 0
          ? `${formatCount(counts.failed)} ${words.outcomes.failed.toLowerCase()}`
          : formatShare(shareDone(counts))}
      </Text>
      <div style={{ width: 110 }}>
        <OutcomeBar counts={counts} />
      </div>
    </Group>
  );
}

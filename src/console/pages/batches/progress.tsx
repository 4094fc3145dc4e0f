import { Alert, Group, Stack, Text } from "@mantine/core";
import { IconClockPause } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { announce } from "../../parts/announce.ts";
import { formatAgo, formatCount, formatDuration, formatRate, formatShare } from "../../parts/format.ts";
import { Moment, useNow } from "../../parts/moment.tsx";
import { batchWords as words } from "../../words/batches.ts";
import { words as common } from "../../words/common.ts";
import { stateWords } from "../../words/states.ts";
import { hasEnded, isMoving, ROW_STATUSES } from "./choices.ts";
import type { Batch } from "./data/types.ts";
import { countDone, OutcomeBar, outcomeName, shareDone } from "./outcome-bar.tsx";
import { addSample, type Sample } from "./throughput.ts";

const HINTS: Readonly<Partial<Record<Batch["state"], string>>> = {
  receiving: words.receivingHint,
  queued: words.queuedHint,
  paused: words.pausedHint,
  undoing: words.undoingHint,
};

/** How far the import is: by outcome, its speed, and the time left. */
export function Progress({ batch, updatedAt }: { readonly batch: Batch; readonly updatedAt: number }) {
  const { counts, state, rows_per_second, seconds_left, waiting } = batch;
  const now = useNow(isMoving(state) ? 1 : 10);
  const share = shareDone(batch);
  // "4 rows failed" is in the counts.
  const reason = state === "completed_with_errors" ? null : batch.reason;
  const hint = [reason, HINTS[state]].filter(Boolean).join(" ");
  useProgressTitle(batch, share);
  useAnnouncements(batch, share);
  return (
    <Stack className="panel" p="md" gap="sm" component="section" aria-label={words.progress}>
      <Group justify="space-between" align="baseline" gap="xs">
        <Group gap="md" align="baseline">
          <Text fw={650} size="lg">
            {formatShare(share)}
          </Text>
          <Text size="sm" c="dimmed">
            {words.ofTotal(formatCount(countDone(batch)), formatCount(counts.total))}
          </Text>
          {rows_per_second !== null && (
            <Text size="sm" c="dimmed">
              {words.perSecond(formatRate(rows_per_second))}
            </Text>
          )}
          {seconds_left !== null && seconds_left > 0 && (
            <Text size="sm" c="dimmed">
              {words.left(formatDuration(seconds_left))}
            </Text>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          {words.updated(formatAgo(new Date(updatedAt), Math.max(now, updatedAt)))}
        </Text>
      </Group>
      <OutcomeBar batch={batch} height={14} />
      <Legend batch={batch} />
      {hint && <Text size="sm">{hint}</Text>}
      {waiting && (
        <Alert color="yellow" icon={<IconClockPause aria-hidden />}>
          {words.waiting(words.rowsText(waiting.rows, formatCount(waiting.rows)), waiting.message)}{" "}
          {words.waitingUntil}: <Moment at={waiting.until} />
        </Alert>
      )}
    </Stack>
  );
}

/** Each count leads to its rows. */
function Legend({ batch: { id, counts, state } }: { readonly batch: Batch }) {
  const shown = ROW_STATUSES.filter(
    (status) =>
      counts[status] > 0 ||
      (status === "success" && state !== "validated") ||
      (status === "failed" && hasEnded(state)),
  );
  return (
    <Group gap="lg" component="ul" p={0} m={0} style={{ listStyle: "none" }}>
      {shown.map((status) => (
        <Group key={status} gap={6} wrap="nowrap" component="li">
          <span
            className="outcome-key"
            data-outcome={status}
            data-checked={state === "validated" || undefined}
            aria-hidden
          />
          <Link
            to="/batches/$batchId"
            params={{ batchId: id }}
            search={status === "failed" ? { tab: "failed" } : { tab: "rows", status }}
            className="plain-link"
          >
            <Text span size="sm">
              {outcomeName(status, state)} <b>{formatCount(counts[status])}</b>
            </Text>
          </Link>
        </Group>
      ))}
    </Group>
  );
}

/** The tab of the browser shows how far the import is. */
function useProgressTitle({ state, filename }: Batch, share: number): void {
  const percent = isMoving(state) && state !== "undoing" ? formatShare(share) : null;
  useEffect(() => {
    const name = `${filename} · ${common.product}`;
    document.title = percent === null ? name : words.tabTitle(percent, name);
  }, [percent, filename]);
}

function useAnnouncements({ state, counts }: Batch, share: number): void {
  const progress =
    isMoving(state) && state !== "undoing"
      ? words.announceProgress(formatShare(share), formatCount(counts.failed))
      : null;
  const [first] = useState(state);
  const ended = hasEnded(state) && state !== first ? stateWords[state] : undefined;
  useEffect(() => {
    if (progress !== null) announce(progress);
  }, [progress]);
  useEffect(() => {
    if (ended) announce(words.announceEnd(ended), true);
  }, [ended]);
}

/** The samples that the page has taken of this import. */
export function useSamples(batch: Batch, updatedAt: number): readonly Sample[] {
  const { id } = batch;
  const [samples, set] = useState<{ readonly id: string; readonly list: readonly Sample[] }>({
    id,
    list: [],
  });
  const done = countDone(batch);
  useEffect(() => {
    set((known) => ({ id, list: addSample(known.id === id ? known.list : [], { at: updatedAt, done }) }));
  }, [id, done, updatedAt]);
  return samples.id === id ? samples.list : [];
}

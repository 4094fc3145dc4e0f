import { SimpleGrid } from "@mantine/core";
import { formatBytes, formatCount, formatDuration } from "../../../parts/format.ts";
import { overviewWords as words } from "../../../words/admin-overview.ts";
import { queueWords } from "../../../words/queues.ts";
import { countFailures, type Statistics, sumQueues } from "./overview-data.ts";
import { Tile } from "./tile.tsx";

/** The numbers of now, each with a link to the list behind it. */
export function Tiles({ statistics }: { readonly statistics: Statistics }) {
  const { now, buckets, database, range } = statistics;
  const { per_second: rates, workers } = now;
  const { waiting, active, oldest, paused } = sumQueues(now.queues);
  const failures = countFailures(buckets);
  const from = buckets[0]?.from ?? now.at;
  const { tiles, hints } = words;
  const rate = (value: number | undefined) =>
    value === undefined ? words.unknown : words.perSecond(formatCount(value));
  const rateHint = rates ? hints.rate : hints.noRate;
  const inRange = hints.inRange(words.ranges[range]);
  return (
    <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="sm">
      <Tile
        label={tiles.rows}
        value={rate(rates ? rates.rows.succeeded + rates.rows.failed : undefined)}
        hint={rateHint}
        to="/admin/batches"
        search={{ state: "processing" }}
      />
      <Tile
        label={tiles.tasks}
        value={rate(rates ? rates.tasks.completed + rates.tasks.failed : undefined)}
        hint={rateHint}
        to="/admin/tasks"
        search={{ status: "processing" }}
      />
      <Tile
        label={tiles.waiting}
        value={formatCount(waiting)}
        hint={paused.length > 0 ? hints.paused(paused.join(", ")) : hints.active(formatCount(active))}
        isBad={paused.length > 0 && waiting > 0}
        to="/admin/jobs"
        search={{ state: "waiting" }}
      />
      <Tile
        label={tiles.oldest}
        value={oldest ? formatDuration(Math.max(0, oldest.oldest_waiting_seconds ?? 0)) : words.unknown}
        hint={oldest ? queueWords[oldest.name] : hints.nothingWaits}
        to="/admin/queues"
      />
      <Tile
        label={tiles.failedTasks}
        value={formatCount(failures.tasks)}
        hint={inRange}
        isBad={failures.tasks > 0}
        to="/admin/tasks"
        search={{ status: "failed", ended_from: from }}
      />
      <Tile
        label={tiles.failedRows}
        value={formatCount(failures.rows)}
        hint={inRange}
        isBad={failures.rows > 0}
        to="/admin/batches"
        search={{ state: "completed_with_errors", from }}
      />
      <Tile
        label={tiles.workers}
        value={formatCount(workers.alive)}
        hint={
          workers.alive === 0
            ? hints.noWorkers
            : workers.busy === 0
              ? hints.idle
              : hints.busy(formatCount(workers.busy), formatCount(workers.jobs))
        }
        isBad={workers.alive === 0}
        to="/admin/workers"
      />
      <Tile
        label={tiles.database}
        value={database.bytes === null ? words.unknown : formatBytes(database.bytes)}
        hint={growthOf(database.grown_bytes)}
      />
    </SimpleGrid>
  );
}

function growthOf(bytes: number | null): string {
  if (bytes === null || bytes === 0) return words.hints.same;
  return bytes > 0 ? words.hints.grown(formatBytes(bytes)) : words.hints.shrunk(formatBytes(-bytes));
}

import Type, { type Static } from "typebox";
import { Moment, nullable } from "../../platform/http/schemas.ts";
import type { CountedWork } from "../../schema/workers.ts";
import { QueueNameSchema, type QueueView, viewQueue } from "../views.ts";
import { type Bucket, CURRENT_MS, type StoredStatistics } from "./queries.ts";
import { RANGES } from "./ranges.ts";
import { MINUTE_MS } from "./record-minute.ts";

const Count = (description: string) => Type.Integer({ description });
const Bytes = nullable(
  Type.Integer({ examples: [48_234_496] }),
  "null: not recorded, or the database does not tell it.",
);

const RowCounts = Type.Object({
  succeeded: Count("Rows of uploads that succeeded."),
  failed: Count("Rows of uploads that failed."),
});
const TaskCounts = Type.Object({
  completed: Count("Attempts that completed their task."),
  failed: Count("Attempts after which their task failed."),
  retried: Count("Attempts after which their task is tried again."),
});

const Rate = Type.Number();
const RatesView = nullable(
  Type.Object({
    rows: Type.Object({ succeeded: Rate, failed: Rate }, { description: "Rows per second." }),
    tasks: Type.Object(
      { completed: Rate, failed: Rate, retried: Rate },
      { description: "Attempts at tasks per second." },
    ),
  }),
  "The rates of the latest minute. null: no worker has recorded one in the last three minutes.",
);

const BucketView = Type.Object({
  from: Moment("When the bucket begins."),
  to: Moment("When it ends. The next one begins then."),
  minutes: Count("The minutes that a worker has recorded. 0: a gap, and the other values are null or empty."),
  rows: nullable(RowCounts, "Rows that have got a final result."),
  tasks: nullable(TaskCounts, "Attempts at tasks that have ended."),
  workers: nullable(
    Type.Object({
      alive: Count("The fewest live workers."),
      busy: Count("The most workers that ran a job."),
    }),
    "Workers, at one moment of each minute.",
  ),
  database_bytes: Bytes,
  queues: Type.Array(
    Type.Object({
      name: QueueNameSchema,
      waiting: Count("Jobs that are due and that no worker has taken."),
      scheduled: Count("Jobs that are due later."),
      active: Count("Jobs that workers are running."),
      oldest_waiting_seconds: nullable(Type.Integer(), "How long the oldest waiting job had waited."),
    }),
    { description: "The highest numbers of each queue, at one moment of each minute." },
  ),
});

export const StatisticsView = Type.Object(
  {
    range: Type.Enum([...RANGES], { description: "The range of the request." }),
    bucket_seconds: Type.Integer({ description: "The length of a bucket.", examples: [60] }),
    now: Type.Object(
      {
        at: Moment("The moment of the answer."),
        queues: Type.Array(Type.Unsafe<QueueView>(Type.Ref("Queue")), { description: "All queues." }),
        workers: Type.Object({
          alive: Count("Workers that were seen within 30 seconds."),
          busy: Count("Those of them that run a job."),
          jobs: Count("The jobs that they run."),
        }),
        per_second: RatesView,
      },
      { description: "The current numbers." },
    ),
    database: Type.Object(
      {
        bytes: Bytes,
        grown_bytes: nullable(
          Type.Integer(),
          "By how much it has grown since the first minute of the range with a size.",
        ),
      },
      { description: "The size of the database, when it was recorded last." },
    ),
    buckets: Type.Array(BucketView, {
      description: "At most 169, the oldest first. The last one has just started.",
    }),
  },
  { description: "Statistics of the service." },
);

export type StatisticsView = Static<typeof StatisticsView>;

export function viewStatistics(range: StatisticsView["range"], read: StoredStatistics): StatisticsView {
  const { now, starts, bucketMs, buckets, latest, firstBytes, queues, workers } = read;
  const bytes = latest?.databaseBytes ?? null;
  return {
    range,
    bucket_seconds: bucketMs / 1000,
    now: {
      at: now.toISOString(),
      queues: queues.map(viewQueue),
      workers,
      per_second: latest && now.getTime() - latest.minute.getTime() < CURRENT_MS ? ratesOf(latest) : null,
    },
    database: { bytes, grown_bytes: bytes === null || firstBytes === null ? null : bytes - firstBytes },
    buckets: starts.map((start) => ({
      from: start.toISOString(),
      to: new Date(start.getTime() + bucketMs).toISOString(),
      ...viewBucket(buckets.get(start.toISOString())),
    })),
  };
}

function viewBucket(bucket: Bucket | undefined) {
  if (!bucket)
    return { minutes: 0, rows: null, tasks: null, workers: null, database_bytes: null, queues: [] };
  const { minutes, leastAlive, mostBusy, databaseBytes, queues } = bucket;
  return {
    minutes,
    rows: rowsOf(bucket),
    tasks: tasksOf(bucket),
    workers: { alive: leastAlive, busy: mostBusy },
    database_bytes: databaseBytes,
    queues: [...queues],
  };
}

const rowsOf = ({ rowsSucceeded, rowsFailed }: CountedWork) => ({
  succeeded: rowsSucceeded,
  failed: rowsFailed,
});

const tasksOf = ({ tasksCompleted, tasksFailed, tasksRetried }: CountedWork) => ({
  completed: tasksCompleted,
  failed: tasksFailed,
  retried: tasksRetried,
});

function ratesOf(work: CountedWork) {
  const perSecond = (count: number) => Math.round((count / (MINUTE_MS / 1000)) * 1000) / 1000;
  const { succeeded, failed } = rowsOf(work);
  const tasks = tasksOf(work);
  return {
    rows: { succeeded: perSecond(succeeded), failed: perSecond(failed) },
    tasks: {
      completed: perSecond(tasks.completed),
      failed: perSecond(tasks.failed),
      retried: perSecond(tasks.retried),
    },
  };
}

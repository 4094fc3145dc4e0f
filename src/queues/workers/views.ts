import Type, { type Static } from "typebox";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../../platform/http/schemas.ts";
import type { WorkerStats } from "../../schema/workers.ts";
import type { StoredWorker } from "./queries.ts";

const StatsView = nullable(
  Type.Object({
    since: Moment("When the worker started. All numbers count from this moment."),
    tasks: Type.Array(
      Type.Object({
        type: Type.String({ description: "The task type.", examples: ["image"] }),
        completed: Type.Integer({ description: "Attempts that completed their task." }),
        failed: Type.Integer({ description: "Attempts after which their task failed." }),
        retried: Type.Integer({ description: "Attempts after which their task is tried again." }),
        mean_seconds: Type.Number({ description: "The mean duration of an attempt." }),
        p95_seconds: Type.Number({
          description: "95 % of the latest 500 attempts took at most this long.",
        }),
      }),
      { description: "Task types that the worker has run." },
    ),
    rows: Type.Integer({ description: "Rows of uploads that have got a final result." }),
    rows_failed: nullable(Type.Integer(), "Those of them that failed. null: its version does not report it."),
    rows_per_second: Type.Number({ description: "The mean over the last minute." }),
  }),
  "What the worker has done since it started. null: its version does not report it.",
);

export const WorkerView = Type.Object({
  id: { ...Uuid, description: "The id of the worker." },
  host: Type.String({ description: "The machine.", examples: ["rowmill-worker-1"] }),
  pid: Type.Integer({ description: "The id of the process." }),
  version: Type.String({ description: "The version of Rowmill.", examples: ["0.5.0"] }),
  queues: MapOf(Type.Integer(), {
    description: "For each queue, the number of jobs of one kind and one user that run at a time.",
    examples: [{ file_processing: 2 }],
  }),
  running: Type.Array(
    Type.Object({
      job: Type.String({ description: "The kind of job.", examples: ["task.file_processing"] }),
      id: { ...Uuid, description: "The id of the job." },
      since: Moment("When the worker took it."),
      task_id: nullable(Uuid, "The task of the job."),
      batch_id: nullable(Uuid, "The batch of the job."),
      workflow_id: nullable(Uuid, "The workflow of the job."),
    }),
    { description: "The jobs that were running when the worker was last seen." },
  ),
  is_alive: Type.Boolean({ description: "Whether the worker was seen within 30 seconds." }),
  state: Type.Enum(["running", "stopping", "lost"], {
    description:
      "stopping: the worker takes no more jobs, and ends when its running jobs have ended. lost: it was not seen for 30 seconds.",
  }),
  started_at: Moment("When the worker started."),
  last_seen_at: Moment("When the worker was last seen."),
  stopping_at: NullableMoment("When the worker was asked to stop, or began to. null: it runs."),
  stats: StatsView,
});

export type WorkerView = Static<typeof WorkerView>;

export function viewWorker(worker: StoredWorker): WorkerView {
  const { id, host, pid, version, queues } = worker;
  return {
    id,
    host,
    pid,
    version,
    queues,
    running: worker.running.map(({ taskId, batchId, workflowId, ...job }) => ({
      ...job,
      task_id: taskId ?? null,
      batch_id: batchId ?? null,
      workflow_id: workflowId ?? null,
    })),
    is_alive: worker.isAlive,
    started_at: worker.startedAt.toISOString(),
    last_seen_at: worker.lastSeenAt.toISOString(),
    state: stateOf(worker),
    stopping_at: worker.stoppingAt?.toISOString() ?? null,
    stats: worker.stats && viewStats(worker.stats, worker.startedAt),
  };
}

function stateOf({ isAlive, stoppingAt }: StoredWorker): WorkerView["state"] {
  if (!isAlive) return "lost";
  return stoppingAt === null ? "running" : "stopping";
}

function viewStats({ tasks, rows, rowsFailed, rowsPerSecond }: WorkerStats, since: Date) {
  return {
    since: since.toISOString(),
    tasks: tasks.map(({ meanSeconds, p95Seconds, ...stats }) => ({
      ...stats,
      mean_seconds: meanSeconds,
      p95_seconds: p95Seconds,
    })),
    rows,
    rows_failed: rowsFailed ?? null,
    rows_per_second: rowsPerSecond,
  };
}

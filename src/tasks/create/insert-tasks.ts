/** The statement that stores new tasks. */
import { sql } from "drizzle-orm";
import type { Tx } from "../../context.ts";
import { type GivenColumns, givenRows } from "../../platform/postgres/given-rows.ts";
import { byQueue, enqueueing } from "../task-jobs.ts";

export interface NewTask {
  readonly id: string;
  readonly userId: number;
  readonly type: string;
  readonly queue: string;
  readonly title: string;
  readonly description: string;
  readonly priority: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly fileId?: string | null;
  readonly filePath?: string | null;
  readonly fileName?: string | null;
  readonly fileBytes?: number | null;
  readonly maxRetries: number;
  readonly jobId: string;
  readonly groupId: string | null;
  /** The task that must complete first. */
  readonly afterId: string | null;
  readonly hasNext: boolean;
  readonly scheduleId?: string | undefined;
  readonly workflowId: string | null;
  readonly workflowStep: number | null;
  readonly tags: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** When it may start, as ISO 8601; null: now. */
  readonly dueAt: string | null;
}

/** The columns of a new task, with their types. */
const COLUMNS = {
  id: ["uuid", ({ id }) => id],
  user_id: ["bigint", ({ userId }) => userId],
  type: ["text", ({ type }) => type],
  queue: ["text", ({ queue }) => queue],
  title: ["text", ({ title }) => title],
  description: ["text", ({ description }) => description],
  priority: ["smallint", ({ priority }) => priority],
  params: ["json", ({ params }) => JSON.stringify(params)],
  file_id: ["uuid", ({ fileId }) => fileId],
  file_path: ["text", ({ filePath }) => filePath],
  file_name: ["text", ({ fileName }) => fileName],
  file_bytes: ["bigint", ({ fileBytes }) => fileBytes],
  max_retries: ["smallint", ({ maxRetries }) => maxRetries],
  job_id: ["uuid", ({ jobId }) => jobId],
  group_id: ["uuid", ({ groupId }) => groupId],
  after_id: ["uuid", ({ afterId }) => afterId],
  has_next: ["boolean", ({ hasNext }) => hasNext],
  schedule_id: ["uuid", ({ scheduleId }) => scheduleId],
  workflow_id: ["uuid", ({ workflowId }) => workflowId],
  workflow_step: ["smallint", ({ workflowStep }) => workflowStep],
  tags: ["json", ({ tags }) => JSON.stringify(tags)],
  metadata: ["json", ({ metadata }) => JSON.stringify(metadata)],
  due_at: ["timestamptz", ({ dueAt }) => dueAt],
} satisfies GivenColumns<NewTask>;

/**
 * Prepares the statement that inserts all tasks and the jobs of those that wait for no other task. One statement does all, because
 * there can be thousands. The events of the creation are stored only for tasks that wait; for the others, the history derives them
 * (tasks/history.ts).
 * @returns runs the statement. Returns the numbers of the tasks, in the order of `rows`
 */
export function prepareInsert(tx: Tx, rows: readonly NewTask[]): () => Promise<number[]> {
  const actorId = tx.actor?.id ?? null;
  const { from, value } = givenRows(rows, COLUMNS, "id");
  const waits = rows.some(({ afterId }) => afterId !== null);
  const recorded = sql`, recorded AS (
      INSERT INTO rowmill.task_events (task_id, type, actor_id)
      SELECT id, 'created', ${actorId}::bigint FROM inserted WHERE after_id IS NOT NULL
    )`;
  const queues = [...byQueue(rows.filter(({ afterId }) => afterId === null)).keys()];
  const adding = queues.map((queue) => ({
    name: sql.identifier(`jobs_${queue}`),
    ...enqueueing(tx, queue, sql`inserted`),
  }));
  const added = adding.map(({ name, insert }) => sql`, ${name} AS (${insert})`);
  const published = adding.map(({ name, publish }) => publish(sql`${name}`));
  const statement = sql`
    WITH inserted AS (
      INSERT INTO rowmill.tasks (id, user_id, type, queue, title, description, priority, params, file_id, file_path, file_name,
        file_bytes, max_retries, job_id, group_id, after_id, has_next, schedule_id, workflow_id, workflow_step, tags, metadata, due_at,
        created_by)
      SELECT id, ${value("user_id")}, ${value("type")}, ${value("queue")}, ${value("title")}, ${value("description")},
        ${value("priority")}, ${value("params")}, ${value("file_id")}, ${value("file_path")}, ${value("file_name")},
        ${value("file_bytes")}, ${value("max_retries")}, ${value("job_id")}, ${value("group_id")}, ${value("after_id")},
        ${value("has_next")}, ${value("schedule_id")}, ${value("workflow_id")}, ${value("workflow_step")},
        ARRAY(SELECT json_array_elements_text(${value("tags")})), ${value("metadata")},
        CASE WHEN ${value("after_id")} IS NULL THEN greatest(now(), ${value("due_at")}) END,
        CASE WHEN ${value("after_id")} IS NULL THEN ${actorId ?? 0}::bigint END
      FROM ${from}
      ORDER BY place
      RETURNING id, number, user_id, type, queue, priority, run, job_id, after_id, due_at
    )${waits ? recorded : undefined}${sql.join(added)}
    SELECT (SELECT string_agg(number::text, ',' ORDER BY number) FROM inserted) AS numbers,
      ARRAY[${sql.join(published, sql`, `)}]::boolean[] AS published`;
  return async () => {
    const { rows: answer } = await tx.db.execute<{ numbers: string; published: boolean[] }>(statement);
    const [{ numbers = "", published: isPublished = [] } = {}] = answer;
    const unknown = adding.find((_queue, index) => !isPublished[index]);
    if (unknown) throw unknown.unknownQueue();
    return numbers.split(",").map(Number);
  };
}

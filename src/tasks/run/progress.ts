/** The progress of a task. A type can report it at any rate; it is written at most twice per second. */
import { sql } from "drizzle-orm";
import { type Context, changeExpression, publishLocally } from "../../context.ts";
import { storableJson } from "../../platform/postgres/storable.ts";
import { TASK_CHANNEL, type Task } from "../transitions.ts";

const WRITE_EVERY_MS = 500;
const MAX_MESSAGE_LENGTH = 500;
/** Larger data is left out. */
const MAX_DATA_BYTES = 8192;

interface Step {
  readonly percent: number;
  readonly message: string;
  readonly data: Record<string, unknown> | undefined;
}

/** Disposing of it writes the last report. */
export class Progress implements AsyncDisposable {
  readonly #ctx: Context;
  readonly #task: Task;
  #latest: Step | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #writtenAt = Number.NEGATIVE_INFINITY;

  constructor(ctx: Context, task: Task) {
    this.#ctx = ctx;
    this.#task = task;
  }

  report(percent: number, message = "", data?: Record<string, unknown>): void {
    this.#latest = { percent, message, data };
    const waitMs = this.#writtenAt + WRITE_EVERY_MS - performance.now();
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(0, waitMs));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flush();
  }

  /** Writes one report after the other. */
  #flush(): Promise<void> {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const step = this.#latest;
    this.#latest = null;
    if (!step) return this.#writing;
    this.#writtenAt = performance.now();
    this.#writing = this.#writing.then(() =>
      this.#write(step).catch((error) =>
        this.#ctx.log.warn({ err: error, taskId: this.#task.id }, "could not write the progress of a task"),
      ),
    );
    return this.#writing;
  }

  async #write({ percent, message, data }: Step): Promise<void> {
    const { id, attempt } = this.#task;
    const progress = Math.round(Math.min(100, Math.max(0, percent || 0)));
    const json = data === undefined ? null : storableJson(data);
    const stored = json !== null && Buffer.byteLength(json) <= MAX_DATA_BYTES ? json : null;
    const text = message.slice(0, MAX_MESSAGE_LENGTH).toWellFormed().replaceAll("\0", "\ufffd");
    const { rows } = await this.#ctx.db.execute(sql`
      WITH changed AS (
        UPDATE rowmill.tasks SET progress = ${progress}, updated_at = statement_timestamp()
        WHERE id = ${id} AND attempt = ${attempt} AND status = 'processing'
        RETURNING id
      ), reported AS (
        INSERT INTO rowmill.task_progress (task_id, progress, message, data, created_at)
        SELECT id, ${progress}, ${text}, ${stored}::json, statement_timestamp() FROM changed
      ), recorded AS (
        INSERT INTO rowmill.task_events (task_id, type, message, metadata, created_at)
        SELECT id, 'progress', ${text}, json_build_object('progress', ${progress}::int), statement_timestamp() FROM changed
      )
      SELECT ${changeExpression(TASK_CHANNEL, sql`id::text`)} FROM changed`);
    if (rows.length > 0) publishLocally(this.#ctx, TASK_CHANNEL, [id]);
  }
}

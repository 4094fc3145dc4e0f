import { isNull, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import type { OpenContext } from "../../open-context.ts";
import { withoutOverlap } from "../../platform/process/without-overlap.ts";
import { limitWaits } from "../../schema/task-limits.ts";
import { LIMIT_CHANNEL } from "./change-limit.ts";
import { grantStarts, hastenGranted, releaseUnlimited } from "./grant-starts.ts";
import { limitsByType } from "./queries.ts";

/** Polls as well, in case a published change is lost. */
const READ_MS = 10_000;
/** Finds what no event of this process shows: tasks that other workers, cancellations and lost workers made room for. */
const LOOK_MS = 1000;
/** A job that a worker has is put back within this time. */
const PUT_BACK_MS = 50;
/** At high rates, several tasks get their turn at once. */
const MIN_DELAY_MS = 20;

/** Stores in the context which types have a limit. */
export async function readLimitedTypes(ctx: Context): Promise<void> {
  const types = [...(await limitsByType(ctx)).keys()];
  ctx.limitedTypes.clear();
  for (const type of types) ctx.limitedTypes.add(type);
}

/** Keeps this worker informed about limits, and gives waiting tasks their turn, until disposed of. */
export async function followLimits(ctx: OpenContext): Promise<Disposable> {
  const turns = new Turns(ctx, () => lookSoon());
  let isStopped = false;
  const warn = (err: unknown, message: string) => {
    // A read that is still running finds the connections closed.
    if (!isStopped) ctx.log.warn({ err }, message);
  };
  await readLimitedTypes(ctx);
  const refresh = withoutOverlap(async () => {
    try {
      await readLimitedTypes(ctx);
      while (await releaseUnlimited(ctx));
      for (const type of ctx.limitedTypes) turns.schedule(type);
    } catch (error) {
      warn(error, "could not read the limits of task types");
    }
  });
  const look = withoutOverlap(async () => {
    if (ctx.limitedTypes.size === 0) return;
    try {
      await hastenGranted(ctx);
      for (const type of await waitingTypes(ctx)) turns.schedule(type);
    } catch (error) {
      warn(error, "could not look for tasks that wait for a limit");
    }
  });
  let soon: NodeJS.Timeout | null = null;
  const lookSoon = () => {
    soon ??= setTimeout(() => {
      soon = null;
      look();
    }, PUT_BACK_MS).unref();
  };
  const onPossible = (type: string) => turns.schedule(type);
  ctx.activity.on("startPossible", onPossible);
  const stopListening = ctx.listener.listen(LIMIT_CHANNEL, refresh);
  const timers = [setInterval(refresh, READ_MS).unref(), setInterval(look, LOOK_MS).unref()];
  return {
    [Symbol.dispose]() {
      isStopped = true;
      for (const timer of timers) clearInterval(timer);
      clearTimeout(soon ?? undefined);
      stopListening();
      ctx.activity.off("startPossible", onPossible);
      turns[Symbol.dispose]();
    },
  };
}

async function waitingTypes({ db, limitedTypes }: OpenContext): Promise<string[]> {
  const { rows } = await db.execute<{ type: string }>(sql`
    SELECT type FROM unnest(${sql.param([...limitedTypes])}::text[]) AS limited (type)
    WHERE EXISTS (SELECT FROM ${limitWaits} WHERE ${limitWaits.type} = limited.type AND ${isNull(limitWaits.grantedAt)})`);
  return rows.map(({ type }) => type);
}

/** Calls `grantStarts` for each type when the next task may start, never twice at a time. */
class Turns implements Disposable {
  readonly #ctx: OpenContext;
  readonly #onMissed: () => void;
  readonly #grants = new Map<string, () => void>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #isDisposed = false;

  /** @param onMissed called if a task that got its turn could not be woken yet */
  constructor(ctx: OpenContext, onMissed: () => void) {
    this.#ctx = ctx;
    this.#onMissed = onMissed;
  }

  schedule(type: string): void {
    if (this.#isDisposed) return;
    const known = this.#grants.get(type);
    const grant = known ?? withoutOverlap(() => this.#grant(type));
    if (!known) this.#grants.set(type, grant);
    clearTimeout(this.#timers.get(type));
    grant();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  async #grant(type: string): Promise<void> {
    const granted = await grantStarts(this.#ctx, type).catch((error) => {
      if (!this.#isDisposed)
        this.#ctx.log.warn({ err: error, type }, "could not give a waiting task its turn");
      return null;
    });
    if (granted === null || this.#isDisposed) return;
    const { inSeconds, hasMissed } = granted;
    if (hasMissed) this.#onMissed();
    if (inSeconds === null) return;
    clearTimeout(this.#timers.get(type));
    const again = setTimeout(() => this.schedule(type), Math.max(MIN_DELAY_MS, inSeconds * 1000)).unref();
    this.#timers.set(type, again);
  }
}

/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first request of a key is carried out, each
 * later one of the same content gets its answer again.
 */
import { and, eq, isNull, lt, or, type SQL } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { idempotencyKeys } from "../schema/batches.ts";

const VALID_MS = 86_400_000;

export interface StoredAnswer {
  readonly fingerprint: Buffer;
  readonly status: number;
  readonly body: object;
}

export interface Claim extends AsyncDisposable {
  /** The answer to the first request of this key; null: this is the first. */
  readonly answer: StoredAnswer | null;
  /**
   * Keeps the answer, in the transaction that carries the request out.
   * @throws DomainError `conflict` where the key was lost meanwhile
   */
  store(tx: Tx, answer: StoredAnswer): Promise<void>;
}

/**
 * Claims a key for a request; disposing of the claim without an answer gives it back.
 * @throws DomainError `conflict` while the first request of this key is under way
 */
export async function claimKey(ctx: Context, userId: number, key: string): Promise<Claim> {
  const mine = and(eq(idempotencyKeys.userId, userId), eq(idempotencyKeys.key, key));
  await removeStaleKeys(ctx, mine);
  const now = ctx.now();
  // One that took too long may have lost its key to another, which is not to be disturbed.
  const isOpen = and(mine, isNull(idempotencyKeys.status), eq(idempotencyKeys.createdAt, now));
  const claimed = await ctx.db
    .insert(idempotencyKeys)
    .values({ userId, key, createdAt: now, seenAt: now })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  const isFirst = claimed.length > 0;
  const answer = isFirst ? null : await firstAnswer(ctx, mine);

  const signs = transferLife.start(
    async () => ctx.db.update(idempotencyKeys).set({ seenAt: ctx.now() }).where(isOpen),
    (error) => ctx.log.warn({ err: error }, "no sign of life for an idempotency key"),
  );
  return {
    answer,
    async store(tx, answer) {
      const stored = await tx.db.update(idempotencyKeys).set(answer).where(isOpen);
      if (stored.rowCount === 1) return;
      throw new DomainError("conflict", "The request took so long that another has its Idempotency-Key now.");
    },
    async [Symbol.asyncDispose]() {
      signs[Symbol.dispose]();
      if (isFirst) await ctx.db.delete(idempotencyKeys).where(isOpen);
    },
  };
}

/** Keys older than a day, and those whose process died before it could answer. */
export async function removeStaleKeys(ctx: Context, among?: SQL): Promise<number> {
  const now = ctx.now();
  const isOld = lt(idempotencyKeys.createdAt, new Date(now.getTime() - VALID_MS));
  const isDead = and(
    isNull(idempotencyKeys.status),
    lt(idempotencyKeys.seenAt, transferLife.deadBefore(now)),
  );
  const removed = await ctx.db.delete(idempotencyKeys).where(and(among, or(isOld, isDead)));
  return removed.rowCount ?? 0;
}

async function firstAnswer(ctx: Context, mine: SQL | undefined): Promise<StoredAnswer> {
  const [first] = await ctx.db.select().from(idempotencyKeys).where(mine);
  const { fingerprint, status, body } = first ?? {};
  if (fingerprint && status && body) return { fingerprint, status, body };
  throw new DomainError("conflict", "The first request with this Idempotency-Key is still under way.", {
    retryAfterSeconds: 1,
  });
}

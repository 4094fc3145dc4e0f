/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the first request with a key is executed. Later requests
 * with the same key and the same content get the answer of the first.
 */
import { and, eq, isNull, lt, or, type SQL } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { DomainError } from "../errors.ts";
import { transferLife } from "../platform/process/sign-of-life.ts";
import { idempotencyKeys } from "../schema/idempotency.ts";

const VALID_MS = 86_400_000;

export interface StoredAnswer {
  readonly fingerprint: Buffer;
  readonly status: number;
  readonly body: object;
}

export interface Claim extends AsyncDisposable {
  /** The answer to the first request with this key; null: this is the first request. */
  readonly answer: StoredAnswer | null;
  /**
   * Stores the answer, in the transaction that executes the request.
   * @throws DomainError `conflict` if another request has taken over the key
   */
  store(tx: Tx, answer: StoredAnswer): Promise<void>;
}

/**
 * Claims a key for a request. Disposing the claim releases the key unless an answer was stored.
 * @throws DomainError `conflict` while the first request with this key is running
 */
export async function claimKey(ctx: Context, userId: number, key: string): Promise<Claim> {
  const isSameKey = and(eq(idempotencyKeys.userId, userId), eq(idempotencyKeys.key, key));
  await removeStaleKeys(ctx, isSameKey);
  const now = ctx.now();
  // The time of the claim is compared as well: another request may have taken over a key whose request took too long.
  const isClaimed = and(isSameKey, isNull(idempotencyKeys.status), eq(idempotencyKeys.createdAt, now));
  const claimed = await ctx.db
    .insert(idempotencyKeys)
    .values({ userId, key, createdAt: now, seenAt: now })
    .onConflictDoNothing()
    .returning({ key: idempotencyKeys.key });
  const isFirst = claimed.length > 0;
  const answer = isFirst ? null : await getFirstAnswer(ctx, isSameKey);

  const signs = transferLife.start(
    async () => ctx.db.update(idempotencyKeys).set({ seenAt: ctx.now() }).where(isClaimed),
    (error) => ctx.log.warn({ err: error }, "cannot give a sign of life for an idempotency key"),
  );
  return {
    answer,
    async store(tx, answer) {
      const stored = await tx.db.update(idempotencyKeys).set(answer).where(isClaimed);
      if (stored.rowCount === 1) return;
      const message = "The request took too long, and another request has taken over its Idempotency-Key.";
      throw new DomainError("conflict", message);
    },
    async [Symbol.asyncDispose]() {
      signs[Symbol.dispose]();
      if (isFirst) await ctx.db.delete(idempotencyKeys).where(isClaimed);
    },
  };
}

/**
 * Removes keys that are older than a day, and keys whose process died before it answered.
 * @param where only these keys
 * @returns the number of keys that were removed
 */
export async function removeStaleKeys(ctx: Context, where?: SQL): Promise<number> {
  const now = ctx.now();
  const isOld = lt(idempotencyKeys.createdAt, new Date(now.getTime() - VALID_MS));
  const isDead = and(
    isNull(idempotencyKeys.status),
    lt(idempotencyKeys.seenAt, transferLife.deadBefore(now)),
  );
  const removed = await ctx.db.delete(idempotencyKeys).where(and(where, or(isOld, isDead)));
  return removed.rowCount ?? 0;
}

/** @throws DomainError `conflict` while the first request is running */
async function getFirstAnswer(ctx: Context, isSameKey: SQL | undefined): Promise<StoredAnswer> {
  const [first] = await ctx.db.select().from(idempotencyKeys).where(isSameKey);
  const { fingerprint, status, body } = first ?? {};
  if (fingerprint && status && body) return { fingerprint, status, body };
  const message = "The first request with this Idempotency-Key is still running. Try again in a second.";
  throw new DomainError("conflict", message, { retryAfterSeconds: 1 });
}

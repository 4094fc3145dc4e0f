/**
 * Fills a database for measurements of lists, by SQL: one owner has nearly everything, in a distribution that hurts. Most items are
 * alike; the few that a filter looks for are the oldest, at the far end of a list that begins with the newest; some values do not occur.
 */
import type pg from "pg";
import { accountStatements } from "./accounts.ts";
import { taskStatements } from "./tasks.ts";
import { uploadStatements } from "./uploads.ts";

export interface Sizes {
  readonly tasks: number;
  readonly batches: number;
  /** Items of every other list, such as files, mails and audit entries. */
  readonly others: number;
}

export interface Owners {
  /** Has nearly everything. */
  readonly owner: number;
  /** Has a few things, all of them old. */
  readonly other: number;
}

/** The ids that queries can name. */
export const KNOWN = {
  batch: "019a0000-0000-7000-8000-000000000000",
  failedBatch: "019a0001-0000-7000-8000-000000000000",
  rareGroup: "019a0002-0000-7000-8000-000000000001",
  largeGroup: "019a0002-0000-7000-8000-000000000002",
  workflow: "019a0003-0000-7000-8000-000000000001",
  webhook: "019a0004-0000-7000-8000-000000000001",
  schedule: "019a0005-0000-7000-8000-000000000001",
  absent: "019a0006-0000-7000-8000-000000000001",
} as const;

/** The items of most lists cover this time. */
export const DAYS = 80;

/** The time of item `n` of `count` items, oldest first. */
export const at = (count: number) =>
  `(now() - interval '1 hour' - (${count} - n) * (interval '${DAYS} days' / ${count}))`;

/** A UUIDv7 of item `n`. */
export const idOf = (count: number) =>
  `(lpad(to_hex((extract(epoch FROM ${at(count)}) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(n), 12, '0'))::uuid`;

/** The id of batch `n`: the low 32 bits are those of rows. */
export const batchIdOf = (count: number) =>
  `(lpad(to_hex((extract(epoch FROM ${at(count)}) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(n % 4096), 3, '0') ||
    '8' || lpad(to_hex(n / 4096), 3, '0') || '000000000000')::uuid`;

/** Call it with two accounts that have nothing else. */
export async function fillForOwner(pool: pg.Pool, owners: Owners, sizes: Sizes): Promise<void> {
  const statements = [
    ...uploadStatements(owners, sizes),
    ...taskStatements(owners, sizes),
    ...accountStatements(owners, sizes),
  ];
  const client = await pool.connect();
  try {
    await client.query("SET statement_timeout = 0");
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.query("RESET statement_timeout");
    client.release();
  }
}

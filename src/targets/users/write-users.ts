/** Writes a slice of accounts. Passwords are hashed before anything is written or locked. */
import { sql } from "drizzle-orm";
import { isEmail } from "../../accounts/emails.ts";
import { hashPasswords, NO_PASSWORD } from "../../accounts/passwords.ts";
import { cleanUsername, isReserved } from "../../accounts/usernames.ts";
import type { Tx } from "../../context.ts";
import { allocateIds } from "../allocate-ids.ts";
import type { Outcome, TargetBatch } from "../target.ts";
import { updateUsers } from "./update-users.ts";
import { findUsers, type KeyedRow, type UserRow } from "./user-rows.ts";

export async function writeUsers(tx: Tx, batch: TargetBatch, rows: readonly UserRow[]): Promise<Outcome[]> {
  if (!(await isAdmin(tx, batch.userId))) return rows.map(() => notAdmin);
  const outcomes = new Map<number, Outcome>();
  const good: UserRow[] = [];
  for (const { row, values } of rows) {
    const cleaned = { row, values: { ...values, username: cleanUsername(values.username) } };
    const broken = brokenRule(cleaned.values, tx.config.passwordMinLength);
    if (broken) outcomes.set(row, { kind: "failed", errors: [broken] });
    else good.push(cleaned);
  }
  for (const [row, outcome] of await writeGood(tx, batch, good)) outcomes.set(row, outcome);
  return rows.map(({ row }) => outcomes.get(row) ?? goneMeanwhile);
}

/** Looked up again, since between the upload and its rows the uploader's role may have changed. */
async function isAdmin(tx: Tx, userId: number): Promise<boolean> {
  const { rowCount } = await tx.db.execute(
    sql`SELECT FROM rowmill.users WHERE id = ${userId} AND role = 'admin'`,
  );
  return rowCount === 1;
}

const notAdmin: Outcome = {
  kind: "failed",
  errors: [{ column: null, code: "forbidden", message: "Only an administrator may make accounts." }],
};

/** The rules that a pattern can't say. */
function brokenRule({ username, email, password }: UserRow["values"], passwordMinLength: number) {
  if (isReserved(username))
    return { column: "username", code: "reserved", message: `username "${username}" is reserved` };
  if (email !== "" && !isEmail(email))
    return { column: "email", code: "invalid", message: "email must be an e-mail address" };
  const { length } = [...password];
  if (length > 0 && length < passwordMinLength) {
    const message = `password has ${length} characters; at least ${passwordMinLength} are required`;
    return { column: "password", code: "too_short", message };
  }
  return null;
}

async function writeGood(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly UserRow[],
): Promise<Map<number, Outcome>> {
  if (rows.length === 0) return new Map();
  const isUpsert = batch.mode === "upsert";
  const keyed = await findUsers(tx, rows);
  const deciding = isUpsert ? keyed : keyed.toReversed();
  // Of rows with the same name one counts: the last in upsert, else the first.
  const winners = [...new Map(deciding.map((row) => [row.key, row])).values()].filter(
    ({ user }) => isUpsert || !user,
  );
  const hashes = await hashesOf(winners);
  const made = await makeUsers(
    tx,
    winners.filter(({ user }) => !user),
    hashes,
  );
  const found = await findUsers(tx, rows, isUpsert);
  const rest = found.filter(({ row, user }) => user && made.get(row) !== user.id);
  const isWinner = new Set(winners.map(({ row }) => row));
  const updated = isUpsert
    ? await updateUsers(
        tx,
        batch,
        rest.filter(({ row }) => isWinner.has(row)),
        hashes,
      )
    : new Map<number, Outcome>();
  const makers = new Map(winners.map(({ key, row }) => [key, row]));
  return new Map(
    found.map((row): [number, Outcome] => {
      if (!row.user) return [row.row, goneMeanwhile];
      const recordId = row.user.id;
      if (made.get(row.row) === recordId) return [row.row, { kind: "success", recordId, effect: "created" }];
      const isFailure = batch.mode === "insert";
      const other = isFailure ? duplicate(row, makers.get(row.key)) : unchanged(recordId);
      return [row.row, updated.get(row.row) ?? other];
    }),
  );
}

function unchanged(recordId: number): Outcome {
  return { kind: "success", recordId, effect: "unchanged" };
}

/** Row number to the hash of its password, for rows that have one. */
async function hashesOf(rows: readonly KeyedRow[]): Promise<Map<number, string>> {
  const withPassword = rows.filter(({ values }) => values.password !== "");
  const hashes = await hashPasswords(withPassword.map(({ values }) => values.password));
  return new Map(withPassword.map(({ row }, index) => [row, hashes[index] ?? NO_PASSWORD]));
}

/** @returns the row numbers to the ids that their accounts have, unless somebody else took the name at the same time */
async function makeUsers(
  tx: Tx,
  rows: readonly KeyedRow[],
  hashes: ReadonlyMap<number, string>,
): Promise<Map<number, number>> {
  if (rows.length === 0) return new Map();
  const ids = await allocateIds(tx, "users", rows.length);
  const column = (name: "username" | "email") => sql.param(rows.map(({ values }) => values[name]));
  await tx.db.execute(sql`
    INSERT INTO rowmill.users (id, username, email, password_hash, role)
    SELECT id, username, email, password_hash, role::rowmill.user_role
    FROM unnest(${sql.param(ids)}::bigint[], ${column("username")}::text[], ${column("email")}::text[],
      ${sql.param(rows.map(({ row }) => hashes.get(row) ?? NO_PASSWORD))}::text[],
      ${sql.param(rows.map(({ values }) => values.role || "user"))}::text[]) AS cells (id, username, email, password_hash, role)
    ORDER BY lower(username)
    ON CONFLICT (lower(username)) DO NOTHING`);
  return new Map(rows.map(({ row }, index) => [row, ids[index] ?? 0]));
}

/** The name was taken a moment ago and is free now. */
const goneMeanwhile: Outcome = {
  kind: "retry",
  reason: { column: null, code: "database_conflict", message: "The account was removed meanwhile." },
};

function duplicate({ values, user }: KeyedRow, maker: number | undefined): Outcome {
  const message =
    maker === undefined
      ? `username "${values.username}" is taken by account ${user?.id}`
      : `username "${values.username}" is in row ${maker} of this file too; it became account ${user?.id}`;
  return { kind: "failed", errors: [{ column: "username", code: "duplicate", message }] };
}

/** Writes a slice of accounts. It hashes passwords first, so that hashing does not prolong locks. */
import { and, eq, sql } from "drizzle-orm";
import { hashPasswords, NO_PASSWORD, passwordProblem } from "../../accounts/passwords.ts";
import { cleanUsername, isReserved, usernameProblem } from "../../accounts/usernames.ts";
import type { Tx } from "../../context.ts";
import { isEmail } from "../../mails/addresses.ts";
import { isEnabledAdmin, users } from "../../schema/accounts.ts";
import { allocateIds } from "../allocate-ids.ts";
import { created, failed, retry, unchanged } from "../outcomes.ts";
import type { Outcome, TargetBatch } from "../target.ts";
import { recordCreations } from "./record-users.ts";
import { repeatedMessage, takeAccountsOfLaterRows, takenMessage } from "./take-accounts.ts";
import { updateUsers } from "./update-users.ts";
import { findUsers, type KeyedRow, type UserRow } from "./user-rows.ts";

export async function writeUsers(tx: Tx, batch: TargetBatch, rows: readonly UserRow[]): Promise<Outcome[]> {
  if (!(await isAdmin(tx, batch.userId))) return rows.map(() => notAdmin);
  const outcomes = new Map<number, Outcome>();
  const valid: UserRow[] = [];
  for (const { row, values } of rows) {
    const cleaned = { row, values: { ...values, username: cleanUsername(values.username) } };
    const failure = checkRules(cleaned.values, tx.config.passwordMinLength);
    if (failure) outcomes.set(row, failure);
    else valid.push(cleaned);
  }
  for (const [row, outcome] of await writeValid(tx, batch, valid)) outcomes.set(row, outcome);
  return rows.map(({ row }) => outcomes.get(row) ?? userRemoved);
}

/** The role or the state of the owner may have changed since the upload. */
async function isAdmin(tx: Tx, userId: number): Promise<boolean> {
  const isOwner = eq(users.id, userId);
  const admins = await tx.db
    .select({ id: users.id })
    .from(users)
    .where(and(isOwner, isEnabledAdmin(users)));
  return admins.length === 1;
}

const notAdmin = failed("forbidden", "Only administrators can import accounts.");

/** Checks the rules that the columns of the target cannot express. Null: the row is valid. */
function checkRules(
  { username, email, password }: UserRow["values"],
  passwordMinLength: number,
): Outcome | null {
  if (isReserved(username)) return failed("reserved", `username "${username}" is reserved`, "username");
  if (email !== "" && !isEmail(email)) return failed("invalid", "email must be an email address", "email");
  const rules = { minLength: passwordMinLength, username };
  const problem = password === "" ? null : passwordProblem(password, rules);
  return problem && failed(problem.code, `password ${problem.message}`, "password");
}

/** Names of accounts that exist are not checked again. */
function checkNames(rows: readonly KeyedRow[]): Map<number, Outcome> {
  const outcomes = new Map<number, Outcome>();
  for (const { row, user, values } of rows) {
    const problem = user ? null : usernameProblem(values.username);
    if (problem) outcomes.set(row, failed("invalid", `username ${problem}`, "username"));
  }
  return outcomes;
}

async function writeValid(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly UserRow[],
): Promise<Map<number, Outcome>> {
  if (rows.length === 0) return new Map();
  const isUpsert = batch.mode === "upsert";
  const known = await findUsers(tx, rows);
  const misnamed = checkNames(known);
  const winners = winnersOf(
    known.filter(({ row }) => !misnamed.has(row)),
    isUpsert,
  );
  const hashes = await hashRows(winners);
  const createdIds = await createUsers(
    tx,
    batch,
    winners.filter(({ user }) => !user),
    hashes,
  );
  const found = await findUsers(tx, rows, isUpsert);
  const winningRows = new Map(winners.map(({ key, row }) => [key, row]));
  const updated = isUpsert
    ? await updateUsers(
        tx,
        batch,
        found.filter(
          ({ key, row, user }) => user && createdIds.get(row) !== user.id && winningRows.get(key) === row,
        ),
        hashes,
      )
    : new Map<number, Outcome>();
  const ownIds = new Set(createdIds.values());
  const others = isUpsert ? [] : found.filter(({ user }) => user && !ownIds.has(user.id));
  const displaced = await takeAccountsOfLaterRows(tx, batch, others, hashRows);
  const taking = others.filter(({ row }) => displaced.has(row));
  await recordCreations(tx, batch, taking, new Map(taking.map(({ row, user }) => [row, user?.id ?? 0])));
  return new Map(
    found.map((row): [number, Outcome] => {
      if (!row.user) return [row.row, misnamed.get(row.row) ?? userRemoved];
      const recordId = row.user.id;
      if (createdIds.get(row.row) === recordId) return [row.row, created(recordId)];
      const displaces = displaced.get(row.row);
      if (displaces) return [row.row, { kind: "success", recordId, effect: "created", displaces }];
      const isFailure = batch.mode === "insert";
      const other = isFailure ? duplicate(row, winningRows.get(row.key)) : unchanged(recordId);
      return [row.row, updated.get(row.row) ?? other];
    }),
  );
}

/** One row per username: the last in the mode `upsert`; otherwise the first, and only if no account has the name. */
function winnersOf(rows: readonly KeyedRow[], isUpsert: boolean): KeyedRow[] {
  const byPrecedence = isUpsert ? rows : rows.toReversed();
  const winners = [...new Map(byPrecedence.map((row) => [row.key, row])).values()];
  return isUpsert ? winners : winners.filter(({ user }) => !user);
}

/** @returns row number to password hash, for rows that have a password */
async function hashRows(rows: readonly KeyedRow[]): Promise<Map<number, string>> {
  const withPassword = rows.filter(({ values }) => values.password !== "");
  const hashes = await hashPasswords(withPassword.map(({ values }) => values.password));
  return new Map(withPassword.map(({ row }, index) => [row, hashes[index] ?? NO_PASSWORD]));
}

/** @returns row number to the id of its account, unless another transaction took the name at the same time */
async function createUsers(
  tx: Tx,
  batch: TargetBatch,
  rows: readonly KeyedRow[],
  hashes: ReadonlyMap<number, string>,
): Promise<Map<number, number>> {
  if (rows.length === 0) return new Map();
  const ids = await allocateIds(tx, "users", rows.length);
  const column = (name: "username" | "email") => sql.param(rows.map(({ values }) => values[name]));
  const { rows: added } = await tx.db.execute<{ id: string }>(sql`
    INSERT INTO rowmill.users (id, username, email, confirmed_email, password_hash, role)
    SELECT id, username, email, email, password_hash, role::rowmill.user_role
    FROM unnest(${sql.param(ids)}::bigint[], ${column("username")}::text[], ${column("email")}::text[],
      ${sql.param(rows.map(({ row }) => hashes.get(row) ?? NO_PASSWORD))}::text[],
      ${sql.param(rows.map(({ values }) => values.role || "user"))}::text[]) AS cells (id, username, email, password_hash, role)
    ORDER BY lower(username)
    ON CONFLICT (lower(username)) DO NOTHING
    RETURNING id`);
  const idOf = new Map(rows.map(({ row }, index) => [row, ids[index] ?? 0]));
  const isAdded = new Set(added.map(({ id }) => Number(id)));
  const addedRows = rows.filter(({ row }) => isAdded.has(idOf.get(row) ?? 0));
  await recordCreations(tx, batch, addedRows, idOf);
  return idOf;
}

/** For a row whose username was taken at the insert, and is free at the look-up after it. */
const userRemoved = retry("database_conflict", "The account was removed while the row was being written.");

/** @param otherRow the row of this file that became the account; undefined if it existed before */
function duplicate({ values, user }: KeyedRow, otherRow: number | undefined): Outcome {
  const message =
    otherRow === undefined
      ? takenMessage(values.username, user?.id)
      : repeatedMessage(values.username, otherRow, user?.id);
  return failed("duplicate", message, "username");
}

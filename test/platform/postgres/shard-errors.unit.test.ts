import { DrizzleQueryError } from "drizzle-orm/errors";
import pg from "pg";
import { expect, test } from "vitest";
import {
  isDatabaseUnavailable,
  isLockTrouble,
  isTransient,
  postgresError,
} from "../../../src/platform/postgres/database.ts";

function errorOf(fields: Partial<pg.DatabaseError>): Error {
  const error = Object.assign(new pg.DatabaseError(fields.message ?? "failed", 0, "error"), fields);
  return new DrizzleQueryError("INSERT", [], error);
}

test("a taken key that a node of Citus reports as an internal error is read like that of one server", () => {
  const message = 'duplicate key value violates unique constraint "books_key_102008"';
  const read = postgresError(
    errorOf({ code: "XX000", message, detail: "Key (user_id, key)=(1, x) already exists." }),
  );
  expect(read).toBeInstanceOf(pg.DatabaseError);
  expect([read?.code, read?.constraint]).toEqual(["23505", "books_key"]);
  expect(read?.detail).toContain("already exists");
});

test("a taken key that Citus reports with its code, but without its table, is read like that of one server", () => {
  const message = 'duplicate key value violates unique constraint "books_key_102848"';
  const where = "while executing command on 127.0.0.1:25433";
  expect(
    postgresError(errorOf({ code: "23505", message, where, routine: "ReportResultError" }))?.constraint,
  ).toBe("books_key");
});

test.for([
  ["PL/pgSQL function rowmill.refuse() line 1 at RAISE", false],
  ["PL/pgSQL-Funktion rowmill.refuse() Zeile 1 bei RAISE", false],
  ['SQL statement "UPDATE x"\nPL/pgSQL function rowmill.refuse() line 1 at SQL statement', true],
] as const)(
  "a function that raises the code of a lock on a node speaks about its row: %s",
  ([context, isTrouble]) => {
    const where = `${context}\nwhile executing command on 127.0.0.1:25433`;
    const routine = "ReportResultError";
    expect(isLockTrouble(errorOf({ code: "40001", message: "not now", where, routine }))).toBe(isTrouble);
  },
);

test("a taken key of a shard has the name of its constraint without the number of the shard", () => {
  const message = 'duplicate key value violates unique constraint "books_key_102008"';
  const shard = {
    code: "23505",
    schema: "rowmill",
    table: "books_102008",
    constraint: "books_key_102008",
    message,
  };
  expect(postgresError(errorOf(shard))?.constraint).toBe("books_key");
});

test("a constraint of an application keeps its name, whatever it is", () => {
  const message = 'duplicate key value violates unique constraint "orders_202401"';
  const own = { code: "23505", schema: "public", table: "x_202401", constraint: "orders_202401", message };
  expect(postgresError(errorOf(own))?.constraint).toBe("orders_202401");
  const other = { code: "23505", schema: "rowmill", table: "x", constraint: "orders_202401", message };
  expect(postgresError(errorOf(other))?.constraint).toBe("orders_202401");
});

test.for([
  "connection to the remote node worker-1:5432 failed with the following error: Connection refused",
  "could not establish connection after 30000 ms",
  "failure on connection marked as essential: worker-1:5432",
  "terminating connection due to administrator command",
])("a lost node uses up no attempts: %s", (message) => {
  const error = errorOf({ code: "XX000", message });
  expect([isDatabaseUnavailable(error), isTransient(error)]).toEqual([true, true]);
});

test.for(["deadlock detected", "canceling statement due to lock timeout"])(
  "another transaction on a node that is in the way of copied rows is no fault of the rows: %s",
  (message) => {
    expect(isLockTrouble(errorOf({ code: "XX000", message, routine: "ReportCopyError" }))).toBe(true);
  },
);

test("a full disk of a node is no fault of the rows that Citus copies to it", () => {
  const message = 'could not extend file "base/5/16384": No space left on device';
  expect(isTransient(errorOf({ code: "XX000", message, routine: "ReportCopyError" }))).toBe(true);
});

test("two roles in one transaction on nodes of Citus are an unsupported feature", () => {
  const message =
    "cannot perform query on placements that were modified in this transaction by a different user";
  expect(postgresError(errorOf({ code: "XX000", message }))?.code).toBe("0A000");
});

test("other internal errors count as failures", () => {
  expect(isTransient(errorOf({ code: "XX000", message: "cache lookup failed for type 1" }))).toBe(false);
});

import { sql } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { inTransaction, type Tx } from "../../../src/context.ts";
import { MustPause } from "../../../src/errors.ts";
import {
  databaseOn,
  openPool,
  postgresError,
  underSavepoint,
} from "../../../src/platform/postgres/database.ts";
import { withTargetRole } from "../../../src/targets/tables/access/with-role.ts";
import { pgbouncer, startPgBouncer, whyNoPgBouncer } from "../../support/pgbouncer.ts";
import { useShop } from "../../support/use-shop.ts";

const { rowmill, role } = useShop();

interface Session extends Record<string, unknown> {
  user: string;
  path: string;
  statement: string;
  lock: string;
  security: string;
}

async function look({ db }: Tx): Promise<Session | undefined> {
  const { rows } = await db.execute<Session>(sql`
    SELECT current_user AS user, current_setting('search_path') AS path, current_setting('statement_timeout') AS statement,
      current_setting('lock_timeout') AS lock, current_setting('row_security') AS security`);
  return rows[0];
}

const run = <T>(work: (tx: Tx) => Promise<T>) => inTransaction(rowmill.ctx, work);

test("work runs as the role with the schema of the table, and the former settings return after it", async () => {
  await run(async (tx) => {
    await tx.db.execute(sql`SET LOCAL row_security = off`);
    const before = await look(tx);
    expect(await withTargetRole(tx, "shop", () => look(tx))).toEqual({
      user: role,
      path: "pg_catalog, shop, pg_temp",
      statement: "1min",
      lock: "5s",
      security: "on",
    });
    expect(await look(tx)).toEqual(before);
  });
});

test("the role may not read the tables of Rowmill", async () => {
  const reading = run((tx) =>
    withTargetRole(tx, "shop", () => tx.db.execute(sql`SELECT FROM rowmill.users`)),
  );
  const error = await reading.catch((thrown) => thrown);
  expect(postgresError(error)?.message).toMatch(/permission denied/);
});

test("a shorter lock timeout stays, so that the chunk gives way to others", async () => {
  await run(async (tx) => {
    await tx.db.execute(sql`SET LOCAL lock_timeout = '500ms'`);
    expect(await withTargetRole(tx, "shop", () => look(tx))).toMatchObject({ lock: "500ms" });
    expect(await look(tx)).toMatchObject({ lock: "500ms" });
  });
});

test("the role holds over a rollback to a savepoint inside of the work", async () => {
  await run(async (tx) => {
    await withTargetRole(tx, "shop", async () => {
      await underSavepoint(tx, () => tx.db.execute(sql`SELECT 1 / 0`)).catch(() => {});
      expect(await look(tx)).toMatchObject({ user: role });
    });
  });
});

test("an error of the work takes the role back", async () => {
  await run(async (tx) => {
    const before = await look(tx);
    const failing = (work: () => Promise<unknown>) =>
      underSavepoint(tx, () => withTargetRole(tx, "shop", work)).catch(() => {});
    await failing(() => tx.db.execute(sql`SELECT 1 / 0`));
    expect(await look(tx)).toEqual(before);
    await withTargetRole(tx, "shop", () => Promise.reject(new Error("not of the database"))).catch(() => {});
    expect(await look(tx)).toEqual(before);
  });
});

test("the role ends with the transaction, and the connection does not keep it", async () => {
  const { pool } = rowmill.ctx;
  const client = await pool.connect();
  try {
    const db = databaseOn(client);
    await inTransaction({ ...rowmill.ctx, db }, (tx) =>
      withTargetRole(tx, "shop", async () => {
        // As if the program had died here.
        throw new Error("killed");
      }),
    ).catch(() => {});
    const { rows } = await client.query("SELECT current_user <> $1 AS isold", [role]);
    expect(rows).toEqual([{ isold: true }]);
  } finally {
    client.release();
  }
});

test("constraints that are checked at the commit fail the write instead", async () => {
  const insert = (reference: string) =>
    sql`INSERT INTO shop.orders (customer_id, reference) VALUES (1, ${reference})`;
  await rowmill.ctx.pool.query(
    "INSERT INTO shop.customers (external_id, full_name) VALUES ('deferred', 'A')",
  );
  await run(async (tx) => {
    await withTargetRole(tx, "shop", () => tx.db.execute(insert("same")));
    const again = underSavepoint(tx, () => withTargetRole(tx, "shop", () => tx.db.execute(insert("same"))));
    const error = await again.catch((thrown) => thrown);
    expect(postgresError(error)).toMatchObject({ constraint: "orders_reference" });
  });
});

test("a role that is missing or forbidden pauses the batch, and the reason says what to do", async () => {
  const as = (name: string) => ({
    ...rowmill.config,
    tableTargets: { ...rowmill.config.tableTargets, role: name },
  });
  const missing = inTransaction({ ...rowmill.ctx, config: as("nobody") }, (tx) =>
    withTargetRole(tx, "shop", async () => {}),
  );
  await expect(missing).rejects.toThrow(MustPause);
  await expect(missing).rejects.toThrow(/role nobody .*npm run cli -- doctor/);
});

test.skipIf(pgbouncer === null)(
  `the role is that of one transaction behind ${pgbouncer ?? whyNoPgBouncer}`,
  async () => {
    await using bouncer = await startPgBouncer(rowmill.config.databaseUrl);
    const pool = openPool(bouncer.url, 4, rowmill.ctx.log);
    try {
      const ctx = { ...rowmill.ctx, db: databaseOn(pool) };
      const users = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          inTransaction(ctx, async (tx) => {
            if (index % 2 === 0) return look(tx);
            return withTargetRole(tx, "shop", () => look(tx));
          }),
        ),
      );
      for (const [index, session] of users.entries()) expect(session?.user === role).toBe(index % 2 === 1);
    } finally {
      await pool.end();
    }
  },
);

describe("code of the owner", () => {
  test("a trigger can take the rights of Rowmill, which is why owners are checked", async () => {
    await rowmill.ctx.pool.query(`
      CREATE FUNCTION shop.escape() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RESET ROLE; NEW.name := current_user; RETURN NEW; END $$;
      CREATE TABLE shop.escapes (id int PRIMARY KEY, name text); GRANT ALL ON shop.escapes TO ${role};
      CREATE TRIGGER escape BEFORE INSERT ON shop.escapes FOR EACH ROW EXECUTE FUNCTION shop.escape()`);
    await run(async (tx) => {
      const before = await look(tx);
      const { rows } = await withTargetRole(tx, "shop", () =>
        tx.db.execute(sql`INSERT INTO shop.escapes VALUES (1) RETURNING name`),
      );
      expect(rows).toEqual([{ name: before?.user }]);
      expect(await look(tx)).toEqual(before);
    });
  });

  test("before PostgreSQL 18, a trigger of a table that follows by ON DELETE CASCADE can do so as well", async () => {
    await rowmill.ctx.pool.query(`
      CREATE TABLE shop.leaders (id int PRIMARY KEY);
      CREATE TABLE shop.followers (id int REFERENCES shop.leaders ON DELETE CASCADE);
      CREATE TABLE shop.seen (who text); GRANT ALL ON shop.leaders TO ${role};
      CREATE FUNCTION shop.follow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RESET ROLE; INSERT INTO shop.seen VALUES (current_user); RETURN NULL; END $$;
      CREATE TRIGGER follow AFTER DELETE ON shop.followers FOR EACH ROW EXECUTE FUNCTION shop.follow();
      INSERT INTO shop.leaders VALUES (1); INSERT INTO shop.followers VALUES (1)`);
    const { rows: server } = await rowmill.ctx.pool.query(
      "SELECT current_setting('server_version_num')::int AS version",
    );
    const removing = run((tx) =>
      withTargetRole(tx, "shop", () => tx.db.execute(sql`DELETE FROM shop.leaders`)),
    );
    if (server[0].version >= 180_000) {
      const error = await removing.catch((thrown) => thrown);
      expect(postgresError(error)?.message).toMatch(/cannot set parameter "role"/);
    } else {
      await removing;
      const { rows } = await rowmill.ctx.pool.query("SELECT who = current_user AS isown FROM shop.seen");
      expect(rows).toEqual([{ isown: true }]);
    }
  });
});

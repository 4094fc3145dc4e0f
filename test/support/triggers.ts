import type pg from "pg";

/**
 * Adds a trigger with a function of the same name, in two statements: Citus does not send several of them to its nodes at once.
 * @param event for example: BEFORE INSERT ON rowmill.books FOR EACH ROW
 * @param body PL/pgSQL. On Citus, it sees only the rows of its shard, and tables of the coordinator if that has all shards.
 */
export async function addTrigger(pool: pg.Pool, name: string, event: string, body: string): Promise<void> {
  await pool.query(
    `CREATE OR REPLACE FUNCTION rowmill.${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$`,
  );
  await pool.query(`CREATE OR REPLACE TRIGGER ${name} ${event} EXECUTE FUNCTION rowmill.${name}()`);
}

/**
 * Cancels the first statement of an event, as PostgreSQL does with one that waits too long for a lock. A rollback does not bring the
 * failure back.
 */
export async function addLockTrouble(pool: pg.Pool, name: string, event: string): Promise<void> {
  await pool.query(`CREATE SEQUENCE rowmill.${name}_times`);
  const cancel = "PERFORM pg_cancel_backend(pg_backend_pid()); PERFORM pg_sleep(10);";
  await addTrigger(
    pool,
    name,
    event,
    `IF nextval('rowmill.${name}_times') = 1 THEN ${cancel} END IF; RETURN NEW;`,
  );
}

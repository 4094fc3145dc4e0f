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

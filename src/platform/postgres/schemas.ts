/** Rowmill's two schemas, and the privileges that a role needs to create and to use them. */
import pg from "pg";
import { AUDIT_LOG } from "../../schema/audit.ts";
import { QUEUE_SCHEMA, rowmill } from "../../schema/columns.ts";

const SCHEMAS = [rowmill.schemaName, QUEUE_SCHEMA];

type Connection = Pick<pg.Client, "query">;

/** Creates missing schemas. CREATE SCHEMA IF NOT EXISTS needs CREATE on the database even if the schema exists. */
export async function createSchemas(client: Connection): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "SELECT name FROM unnest($1::text[]) AS name WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = name)",
    [SCHEMAS],
  );
  for (const { name } of rows) await client.query(`CREATE SCHEMA ${name}`);
}

/** Whether the database has tables of Rowmill or of another application. */
export async function hasTables(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query(
      `SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema' LIMIT 1`,
    );
    return rowCount === 1;
  } finally {
    await client.end();
  }
}

/** Returns the statements that the owner of the database must run before the role can migrate. */
export async function grantsToMigrate(client: Connection): Promise<string[]> {
  return readGrants(
    client,
    `SELECT CASE
      WHEN nspname IS NULL THEN format('CREATE SCHEMA %I AUTHORIZATION %I', name, current_user)
      ELSE format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', name, current_user)
    END AS grant
    FROM unnest($1::text[]) AS name LEFT JOIN pg_namespace ON nspname = name
    WHERE CASE
      WHEN nspname IS NULL THEN NOT has_database_privilege(current_database(), 'CREATE')
      ELSE NOT (has_schema_privilege(nspname, 'USAGE') AND has_schema_privilege(nspname, 'CREATE'))
    END`,
  );
}

/** Returns the statements that the owner must run before the role can use the migrated tables. */
export async function grantsToRun(client: Connection): Promise<string[]> {
  return readGrants(
    client,
    `SELECT DISTINCT format(CASE
      WHEN relkind IS NULL THEN 'GRANT USAGE ON SCHEMA %I TO %I'
      WHEN relkind = 'S' THEN 'GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO %I'
      ELSE 'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I'
    END, nspname, current_user) AS grant
    FROM pg_namespace LEFT JOIN pg_class
      ON relnamespace = pg_namespace.oid AND relkind IN ('r', 'p', 'S') AND has_schema_privilege(relnamespace, 'USAGE')
      -- Privileges on the partitioned table are enough.
      AND NOT relispartition
    WHERE nspname = ANY($1::text[]) AND CASE
      WHEN relkind IS NULL THEN NOT has_schema_privilege(nspname, 'USAGE')
      WHEN relkind = 'S' THEN NOT has_sequence_privilege(pg_class.oid, 'USAGE')
      ELSE NOT (has_table_privilege(pg_class.oid, 'SELECT') AND has_table_privilege(pg_class.oid, 'INSERT')
        -- Nobody changes the audit log.
        AND (relname = $2 OR (has_table_privilege(pg_class.oid, 'UPDATE') AND has_table_privilege(pg_class.oid, 'DELETE'))))
    END
    UNION SELECT format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA %s TO %I', pronamespace::regnamespace, current_user)
    FROM pg_proc
    WHERE pronamespace IN (SELECT oid FROM pg_namespace WHERE nspname = ANY($1::text[]) AND has_schema_privilege(oid, 'USAGE'))
      AND NOT has_function_privilege(oid, 'EXECUTE')
    ORDER BY 1`,
    [AUDIT_LOG],
  );
}

async function readGrants(client: Connection, query: string, values: string[] = []): Promise<string[]> {
  const { rows } = await client.query<{ grant: string }>(query, [SCHEMAS, ...values]);
  return rows.map(({ grant }) => `${grant};`);
}

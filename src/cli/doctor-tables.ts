/** Whether the last steps of the migration are done, and PostgreSQL keeps up with its own upkeep. */
import type pg from "pg";
import { missingIndexes } from "../platform/postgres/build-indexes.ts";
import { hasDefaultPartition, MAX_DEFAULT_BYTES } from "../platform/postgres/partitions/day-partitions.ts";
import { QUEUE_INDEXES } from "../platform/queue/adapt-tables.ts";
import { ROW_TABLES } from "../schema/day-tables.ts";
import { REQUEST_LOG } from "../schema/request-log.ts";
import { LATER_JOBS_INDEX } from "../schema/tasks.ts";
import { bad, type Finding, good, warning } from "./finding.ts";

/** Fewer dead rows do no harm. */
const DEAD_ROWS = 100_000;
const LONG_TRANSACTION_MINUTES = 60;
/** PostgreSQL refuses writes at 2 billion. */
const OLD_TRANSACTIONS = 1_000_000_000;

export async function checkTables(pool: pg.Pool): Promise<Finding[]> {
  return [
    await checkDeadRows(pool),
    ...(await checkVacuum(pool)),
    ...(await checkPartitions(pool)),
    await checkIndexes(pool),
  ];
}

/**
 * PostgreSQL expects more work from the statements of lists than a page needs. So it compiles them to machine code, which takes much
 * longer than running them.
 * @returns no finding if it compiles none
 */
export async function checkCompilation(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{ role: string; isOn: boolean }>(
    `SELECT quote_ident(current_user) AS role, pg_jit_available() AS "isOn"`,
  );
  const [{ role, isOn } = { role: "", isOn: false }] = rows;
  if (!isOn) return [];
  const advice = `Run, and restart the programs: ALTER ROLE ${role} SET jit = off;`;
  return [warning(`PostgreSQL compiles statements (JIT), so long lists take up to a second. ${advice}`)];
}

/** A migration that was killed after its transaction has not built them. No program refuses to start, but reads of jobs are slow. */
async function checkIndexes(pool: pg.Pool): Promise<Finding> {
  const missing = await missingIndexes(pool, [LATER_JOBS_INDEX, ...QUEUE_INDEXES]);
  if (missing.length === 0) return good("The migration has built all indexes.");
  return warning(
    `Reads of jobs are slow without the indexes ${missing.join(" and ")}. Run: npm run cli -- migrate`,
  );
}

/** Without partitions, everything works, but the clean-up deletes the rows of expired batches one by one. */
async function checkPartitions(pool: pg.Pool): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const name of [...ROW_TABLES, REQUEST_LOG]) {
    const { rows } = await pool.query<{ kind: string; bytes: string | null }>(
      `SELECT relkind AS kind, pg_relation_size(partdefid) AS bytes FROM pg_class LEFT JOIN pg_partitioned_table ON partrelid = pg_class.oid
      WHERE pg_class.oid = to_regclass($1)`,
      [`rowmill.${name}`],
    );
    const [{ kind, bytes } = { kind: "p", bytes: null }] = rows;
    if (kind !== "p")
      findings.push(warning(`rowmill.${name} has no partition per day. Run: npm run cli -- migrate`));
    else if (!(await hasDefaultPartition(pool, name))) findings.push(bad(explainMissingDefault(name)));
    else if (Number(bytes) > MAX_DEFAULT_BYTES)
      findings.push(
        warning(
          `rowmill.${name}_default is large, so new days get no partition until the clean-up has emptied it. Check that the role of the programs may execute all functions in the schema rowmill.`,
        ),
      );
  }
  return findings.length > 0
    ? findings
    : [good("Rows, results and the request log have a partition per day.")];
}

/** The daily cleanup attaches it again, unless the role may not, or the table is large or has rows that belong to other partitions. */
function explainMissingDefault(table: string): string {
  const name = `rowmill.${table}`;
  return `${name} has no default partition, so rows of a day without a partition are refused, and rows in ${name}_default are not found. As the owner of the table, run: CREATE TABLE IF NOT EXISTS ${name}_default (LIKE ${name} INCLUDING ALL); ALTER TABLE ${name} ATTACH PARTITION ${name}_default DEFAULT;`;
}

async function checkDeadRows(pool: pg.Pool): Promise<Finding> {
  const { rows } = await pool.query<{ name: string; dead: string; live: string }>(
    `SELECT schemaname || '.' || relname AS name, n_dead_tup AS dead, n_live_tup AS live FROM pg_stat_user_tables
     WHERE schemaname LIKE 'rowmill%' AND n_dead_tup > $1 AND n_dead_tup > n_live_tup / 2 ORDER BY n_dead_tup DESC LIMIT 1`,
    [DEAD_ROWS],
  );
  const [worst] = rows;
  if (!worst) return good("No table has many dead rows.");
  const counts = `${worst.name} has ${worst.dead} dead rows beside ${worst.live} others`;
  return warning(`${counts}. Run: VACUUM (ANALYZE) ${worst.name}; and check that autovacuum is on.`);
}

async function checkVacuum(pool: pg.Pool): Promise<Finding[]> {
  const { rows } = await pool.query<{
    autovacuum: string;
    age: number;
    pid: number | null;
    minutes: number | null;
  }>(
    `SELECT current_setting('autovacuum') AS autovacuum,
       (SELECT age(datfrozenxid) FROM pg_database WHERE datname = current_database()) AS age, pid, minutes
     FROM (SELECT 1) AS one LEFT JOIN (
       SELECT pid, (extract(epoch FROM now() - xact_start) / 60)::int AS minutes FROM pg_stat_activity
       WHERE datname = current_database() AND xact_start < now() - make_interval(mins => $1) ORDER BY xact_start LIMIT 1
     ) AS oldest ON true`,
    [LONG_TRANSACTION_MINUTES],
  );
  const { autovacuum = "on", age = 0, pid = null, minutes = null } = rows[0] ?? {};
  const findings: Finding[] = [];
  if (autovacuum !== "on")
    findings.push(
      warning("autovacuum is off. Run: ALTER SYSTEM SET autovacuum = on; SELECT pg_reload_conf();"),
    );
  if (age > OLD_TRANSACTIONS)
    findings.push(warning(`The oldest row is ${age} transactions old. Run: VACUUM (FREEZE);`));
  if (pid !== null) {
    const since = `A transaction has been open for ${minutes} minutes`;
    findings.push(
      warning(
        `${since}, so no dead row is removed. If it is not a backup, end it: SELECT pg_terminate_backend(${pid});`,
      ),
    );
  }
  return findings.length > 0 ? findings : [good("Autovacuum is on, and no transaction holds it up.")];
}

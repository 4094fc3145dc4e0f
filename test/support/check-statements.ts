/**
 * The statements that a run of tests has sent, and those of them that Citus would refuse on distributed tables, or execute on every
 * node without a reason (citus-rules.ts).
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readMigrationFiles } from "drizzle-orm/migrator";
import type pg from "pg";
import { brokenRules, type Rule, type Volatility } from "./citus-rules.ts";
import type { SentStatement, Statement } from "./sent-statements.ts";

type Exception = readonly [part: RegExp, rule: Rule, reason: string];

const UPKEEP = "Upkeep looks at all batches or files, once per minute or per day.";
const LIST = "A list has batches of all nodes.";

/** Statements that go to every node, or that Citus runs in steps, and the reason. */
export const EXCEPTIONS: readonly Exception[] = [
  [
    /WITH written AS \(\s*INSERT INTO rowmill\.(books|records) .* FROM rowmill\.batch_rows WHERE batch_id = .*INSERT INTO rowmill\.row_results/s,
    "mixes families",
    `Citus reads the plain rows on the node of the batch and inserts them on the node of the owner: it accepts INSERT ... SELECT
    between tables of different families, also in WITH.`,
  ],
  [
    /^SELECT \(SELECT (count\(\*\)|coalesce\(sum\(\w+\), 0\)) FROM rowmill\.batches WHERE user_id = /,
    "names no key",
    "The batches of one owner are on all nodes. Quotas are counted at most once per minute and user.",
  ],
  [/FROM "rowmill"\."batches" WHERE .*"correction_of" is null.* ORDER BY/s, "names no key", LIST],
  [
    /"batches"\."user_id" = \$1 and "rowmill"\."batches"\."fingerprint" = /,
    "names no key",
    "An upload looks for the same file among all batches of its owner.",
  ],
  [
    /^SELECT DISTINCT user_id AS id FROM rowmill\."batches" WHERE user_id = ANY/,
    "names no key",
    "Undoing accounts looks for batches of their owners, once per slice.",
  ],
  [/^select "id", "state" from "rowmill"\."batches" where \(/, "names no key", UPKEEP],
  [
    /FROM rowmill\.chunks JOIN rowmill\.batches ON batches\.id = chunks\.batch_id\s+WHERE chunks\.state <> 'done' AND due_at < /,
    "names no key",
    UPKEEP,
  ],
  [
    /WITH recent AS \(.*FROM rowmill\.batches JOIN rowmill\.chunks ON batch_id = batches\.id/s,
    "names no key",
    UPKEEP,
  ],
  [
    /^select "id", "finished_at" from "rowmill"\."batches" where \("rowmill"\."batches"\."state" in/,
    "names no key",
    UPKEEP,
  ],
  [
    /^select "file_id" from "rowmill"\."file_chunks" where \("rowmill"\."file_chunks"\."file_id" > /,
    "names no key",
    UPKEEP,
  ],
  [/^\s*DELETE FROM rowmill\.chunk_causes WHERE NOT EXISTS /, "names no key", UPKEEP],
  [/"rowmill"\."batches"\."id" >= \$\d and "rowmill"\."batches"\."id" < /, "names no key", UPKEEP],
];

const OF_LEGACY = "URLs of the replaced services name a book without its owner, and a batch by its number.";

/** Others, of requests and commands that are rare. */
const RARE: readonly Exception[] = [
  [
    /^SELECT \(SELECT .* FROM rowmill\.(batches|books) WHERE user_id = /s,
    "mixes families",
    "Citus counts each thing that a user has in a statement of its own.",
  ],
  [/^SELECT 500 \+ .* FROM "rowmill"\."batches" /s, "names no key", LIST],
  [
    /^\s*SELECT key, created_at AS "createdAt" FROM \(.* FROM "rowmill"\."batches" WHERE /s,
    "names no key",
    LIST,
  ],
  [
    /^select "id" from "rowmill"\."batches" where \("rowmill"\."batches"\."number" = \$1 and /,
    "names no key",
    OF_LEGACY,
  ],
  [
    /^select "user_id" from "rowmill"\."books" where "rowmill"\."books"\."id" = \$1$/,
    "names no key",
    OF_LEGACY,
  ],
  [
    /^select "id", "user_id" from "rowmill"\."batches" where \("rowmill"\."batches"\."state" = \$1 and "rowmill"\."batches"\."started_at" is null /,
    "names no key",
    "A purge cancels the waiting batches of all users.",
  ],
  [
    /^select (count\(\*\), max\("number"\)|"id", "number", "user_id") from "rowmill"\."batches" where /,
    "names no key",
    "An operator changes the batches of all users that a filter finds.",
  ],
  [
    /^\s*SELECT state, count\(\*\)::int AS imports FROM rowmill\.batches/,
    "names no key",
    "A report counts the batches of all users.",
  ],
  [
    /^\s*SELECT id, state, target AS type, .*AS changed \(id\)\s+UNION \(SELECT id FROM rowmill\.batches ORDER BY id DESC /s,
    "names no key",
    "The events of operators are about the batches of all users.",
  ],
  [
    /AS silent\s+FROM rowmill\.chunks JOIN rowmill\.batches/,
    "names no key",
    "The command doctor looks at the chunks of all batches.",
  ],
  [/"rowmill"\."batches"\."id" < \$\d/, "names no key", UPKEEP],
];

/** Sources whose statements never meet distributed tables. */
const ELSEWHERE: readonly [source: string, reason: string][] = [
  ["src/backups/", "Backups and restores need one server."],
  [
    "src/platform/postgres/partitions/partition-by-day.ts",
    "Tables are partitioned before they are distributed.",
  ],
  [
    "src/platform/postgres/partitions/exchange-tables.ts",
    "Tables are partitioned before they are distributed.",
  ],
];

/** The number of migrations of the version that distributes tables. They run before. */
const BEFORE_DISTRIBUTION = 10;

/**
 * @param used is given the EXCEPTIONS that were needed
 * @returns a line for each rule that a statement breaks without being excepted
 */
export function problemsOf(
  statements: Iterable<Statement>,
  volatility: Volatility,
  used = new Set<Exception>(),
): string[] {
  const exceptions = [...EXCEPTIONS, ...RARE];
  const problems = new Set<string>();
  // Each program of a run sends most of the same statements. Parsing one takes a millisecond.
  const checked = new Set<string>();
  for (const statement of statements) {
    if (checked.size === checked.add(`${statement.equal} ${statement.text}`).size) continue;
    for (const rule of brokenRules(statement, volatility)) {
      const exception = exceptions.find(([part, excepted]) => excepted === rule && part.test(statement.text));
      if (exception) used.add(exception);
      else problems.add(`${rule}: ${statement.text.replaceAll(/\s+/g, " ").slice(0, 600)}`);
    }
  }
  return [...problems];
}

/** @returns the statements in a folder of sent-statements.ts, without those that tests have sent themselves */
export function readStatements(folder: string): SentStatement[] {
  const migrations = readMigrationFiles({ migrationsFolder: join(import.meta.dirname, "../../drizzle") });
  const old = new Set(migrations.slice(0, BEFORE_DISTRIBUTION).flatMap(({ sql }) => sql));
  // The last line of a program that was killed can be a part of one.
  const lines = readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), "utf8").split("\n").slice(0, -1),
  );
  const sent = [...new Set(lines)].map((line): SentStatement => JSON.parse(line));
  const ofTests = new Set(sent.filter(({ origin }) => origin?.startsWith("test/")).map(({ text }) => text));
  const isElsewhere = ({ origin }: SentStatement) =>
    origin !== null && ELSEWHERE.some(([source]) => origin.startsWith(source));
  return sent.filter((one) => !ofTests.has(one.text) && !old.has(one.text) && !isElsewhere(one));
}

/** @param client of any database of the server */
export async function readVolatility(client: Pick<pg.Client, "query">): Promise<Volatility> {
  const { rows } = await client.query<{ name: string; volatility: string }>(
    "SELECT proname AS name, min(provolatile::text) AS volatility FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace GROUP BY 1",
  );
  return new Map(rows.map(({ name, volatility }) => [name, volatility]));
}

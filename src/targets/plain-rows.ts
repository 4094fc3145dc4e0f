/**
 * States the rules of a target in SQL. A row is plain if the database can tell that the check of its target accepts it, and
 * with which values. The rules here are stricter than the check (validate-row.ts), never looser: the check decides about
 * every other row, and is the only one that says what is wrong with it.
 */
import { type SQL, sql } from "drizzle-orm";
import type { TString } from "typebox";
import type { Columns, TargetBatch } from "./target.ts";

/** The parts of a target that decide which of its rows are plain. */
interface PlainTarget {
  readonly columns: Columns;
  readonly key?: readonly string[];
}

/**
 * Other open rows may have the key of a plain row and are written after it. `before-others`: only the rows before the first
 * of them are plain, `after-others`: only the rows after the last of them.
 */
export type Place = "anywhere" | "before-others" | "after-others";

/** The characters that `String.prototype.trim` removes, except U+000B: a row with it is not plain. */
export const TRIMMED =
  "\t\n\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff";

/**
 * The scripts of most texts. Their characters have been the same since Unicode 13, so PostgreSQL and JavaScript agree on the
 * composed form (NFC) of a text of them, whichever versions of Unicode they know.
 */
export const SETTLED =
  "\\u0001-\\u02ff\\u0370-\\u0373\\u0375-\\u0377\\u037a-\\u037f\\u0384-\\u0556\\u05d0-\\u05ea\\u0620-\\u064a\\u0900-\\u097f\\u0e01-\\u0e3a\\u0e3f-\\u0e5b" +
  "\\u10d0-\\u10ff\\u1e00-\\u1f15\\u2000-\\u2064\\u20a0-\\u20bf\\u2100-\\u218b\\u3001-\\u3029\\u3030-\\u303f\\u3041-\\u3096\\u309b-\\u30ff\\u3400-\\u4db5\\u4e00-\\u9fef" +
  "\\uac00-\\ud7a3\\uff01-\\uff9f";

/**
 * Characters of scripts whose characters are composed, are not trimmed, and do not combine with others. A row is simple if its JSON has only
 * these, and no cell with a space at one of its ends: its cells are trimmed and composed as they are.
 */
export const SIMPLE =
  " -\\[\\]-~\\u00a1-\\u02ff\\u0388-\\u03ff\\u0400-\\u0482\\u048a-\\u0556\\u05d0-\\u05ea\\u2010-\\u2027\\u20a0-\\u20bf\\u3001-\\u3029" +
  "\\u3041-\\u3096\\u30a1-\\u30fa\\u3400-\\u4db5\\u4e00-\\u9fef\\uac00-\\ud7a3";

/** One search is cheaper than a look for each reason. JSON writes characters with a backslash, and others that are not simple. */
const NOT_SIMPLE = `[^${SIMPLE}]|" | "`;

const KNOWN_RULES = new Set([
  "type",
  "minLength",
  "maxLength",
  "default",
  "title",
  "description",
  "examples",
  "~kind",
]);

/**
 * Returns the plain rows as a table with the columns `row_number` and those of the target.
 * @param open the condition on `batch_rows` that selects rows without a result
 * @returns null if SQL cannot state the rules of a column
 */
export function plainRows(
  { columns, key = [] }: PlainTarget,
  batch: TargetBatch,
  open: SQL,
  place: Place = "anywhere",
): SQL | null {
  const rules = Object.entries(columns.properties);
  if (rules.some(([, rule]) => Object.keys(rule).some((name) => !KNOWN_RULES.has(name)))) return null;
  const names = sql.join(
    rules.map(([name]) => sql`, ${sql.identifier(name)}`),
    sql``,
  );
  const cells = rules.map(([name, rule]) => sql`, ${cellOf(batch, name, rule)} AS ${sql.identifier(name)}`);
  const conditions = rules.map(
    ([name, rule]) => sql` AND ${conditionOf(sql`${sql.identifier(name)}`, rule, key.includes(name))}`,
  );
  // Subqueries with OFFSET compute each value once.
  const checked = sql`(
    SELECT row_number${names}, coalesce(is_clean${sql.join(conditions, sql``)}, false) AS is_plain FROM (
      SELECT row_number, is_simple, jsonb_array_length(cells) <= ${batch.header.length}::int AS is_clean${sql.join(cells, sql``)}
      FROM ${parsedRows(open)} OFFSET 0
    ) AS read
  ) AS checked`;
  if (place === "anywhere") return sql`(SELECT row_number${names} FROM ${checked} WHERE is_plain) AS plain`;
  const [limit, isInPlace] =
    place === "before-others"
      ? [sql`min(row_number)`, sql`row_number < coalesce(other, row_number + 1)`]
      : [sql`max(row_number)`, sql`row_number > coalesce(other, row_number - 1)`];
  return sql`(
    SELECT row_number${names} FROM (
      SELECT *, ${limit} FILTER (WHERE NOT is_plain) OVER () AS other FROM ${checked}
    ) AS placed WHERE is_plain AND ${isInPlace}
  ) AS plain`;
}

/**
 * The open rows as a table. A row `is_clean` if it is valid CSV, has no more cells than the header, and no U+FFFD. JSON has
 * escapes with \u for control characters, NUL among them, and for halves of surrogate pairs.
 */
export function cleanRows({ header }: TargetBatch, open: SQL): SQL {
  return sql`(
    SELECT row_number, fields, (
      problem IS NULL AND json_array_length(fields) <= ${header.length}::int
      AND strpos(fields::text, '\\u') = 0 AND strpos(fields::text, ${"\ufffd"}) = 0
    ) AS is_clean
    FROM rowmill.batch_rows WHERE ${open} OFFSET 0
  ) AS clean`;
}

/** The open rows, with their `cells` as jsonb. Null: the row is not clean, and may have escapes that jsonb refuses. */
function parsedRows(open: SQL): SQL {
  return sql`(
    SELECT row_number, is_simple, CASE
      WHEN problem IS NULL AND (is_simple OR strpos(text, '\\u') = 0 AND strpos(text, ${"\ufffd"}) = 0) THEN text::jsonb
    END AS cells
    FROM (
      SELECT row_number, problem, text, text !~ ${NOT_SIMPLE} AS is_simple FROM (
        SELECT row_number, problem, fields::text AS text FROM rowmill.batch_rows WHERE ${open} OFFSET 0
      ) AS texts OFFSET 0
    ) AS searched OFFSET 0
  ) AS parsed`;
}

function cellOf({ mapping }: TargetBatch, name: string, rule: TString): SQL {
  const whenMissing = sql`${"default" in rule ? String(rule.default) : ""}::text`;
  const position = Object.hasOwn(mapping, name) ? mapping[name] : undefined;
  if (position === undefined || position < 0) return whenMissing;
  const cell = sql`cells ->> ${position}::int`;
  return sql`coalesce(CASE WHEN is_simple THEN ${cell} ELSE btrim(${cell}, ${TRIMMED}::text) END, ${whenMissing})`;
}

/** Both sides count code points, and a text has at most as many as bytes, which are faster to count. */
function conditionOf(cell: SQL, rule: TString, isKey: boolean): SQL {
  const { minLength = 0, maxLength } = rule as { minLength?: number; maxLength?: number };
  return sql.join(
    [
      sql`true`,
      ...(minLength > 1 ? [sql`length(${cell}) >= ${minLength}::int`] : []),
      ...(minLength === 1 ? [sql`${cell} <> ''`] : []),
      ...(maxLength === undefined
        ? []
        : [sql`(octet_length(${cell}) <= ${maxLength}::int OR length(${cell}) <= ${maxLength}::int)`]),
      ...(isKey ? [isComposed(cell)] : []),
    ],
    sql` AND `,
  );
}

function isComposed(cell: SQL): SQL {
  return sql`(is_simple OR octet_length(${cell}) = length(${cell}) OR ${cell} ~ ${`^[${SETTLED}]*$`} AND ${cell} IS NFC NORMALIZED)`;
}

/** The cause of a failure: a rule, a column, or a rule in a column. `GET /errors` groups failed rows by it. */
import { type SQL, sql } from "drizzle-orm";
import Type from "typebox";
import { NUL_FREE } from "../platform/http/schemas.ts";

export interface Cause {
  readonly code?: string | undefined;
  /** null: errors that concern the whole row. */
  readonly column?: string | null | undefined;
}

export const causeFields = {
  error_code: Type.Optional(
    Type.String({
      maxLength: 200,
      pattern: NUL_FREE,
      description: "Only failed rows that break this rule, as `code` of GET /errors.",
      examples: ["required"],
    }),
  ),
  error_column: Type.Optional(
    Type.String({
      maxLength: 1000,
      pattern: NUL_FREE,
      description:
        "Only failed rows with an error in this column, as `column` of GET /errors. Empty: with an error that concerns the whole row.",
      examples: ["title"],
    }),
  ),
};

/** @returns undefined without a condition */
export function readCause(query: {
  readonly error_code?: string;
  readonly error_column?: string;
}): Cause | undefined {
  const { error_code: code, error_column: column } = query;
  if (code === undefined && column === undefined) return undefined;
  return { code, column: column === "" ? null : column };
}

/** The query that lists the rows with this cause. */
export function causeQuery({
  code,
  column,
}: {
  readonly code: string;
  readonly column: string | null;
}): string {
  return String(new URLSearchParams({ error_code: code, error_column: column ?? "" }));
}

/**
 * Matches rows of `row_results AS results`. Results of early versions have their first error alone. The errors stay `json`:
 * as `jsonb`, messages with U+0000 would be refused.
 */
export function hasCause({ code, column }: Cause): SQL {
  const isCode = code === undefined ? sql`true` : sql`error ->> 'code' = ${code}`;
  const isColumn =
    column === undefined ? sql`true` : sql`error ->> 'column' IS NOT DISTINCT FROM ${column}::text`;
  const isFirst = code === undefined ? sql`true` : sql`results.error_code = ${code}`;
  return sql`CASE WHEN results.errors IS NULL THEN ${isFirst} AND ${column === undefined || column === null}
    ELSE EXISTS (SELECT FROM json_array_elements(results.errors) AS error WHERE ${isCode} AND ${isColumn}) END`;
}

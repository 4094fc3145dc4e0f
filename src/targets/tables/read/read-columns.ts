import { sql } from "drizzle-orm";
import type { Database } from "../../../platform/postgres/database.ts";
import type { Category, ColumnFacts, DomainFacts } from "./table-facts.ts";

interface CatalogColumn {
  name: string;
  position: number;
  type: string;
  isNotNull: boolean;
  default: string | null;
  identity: string;
  generated: string;
  comment: string | null;
  canSelect: boolean;
  canInsert: boolean;
  canUpdate: boolean;
  /** Whether the collation is not deterministic. */
  hasLooseCollation: boolean;
  /** From the type of the column to the type below all domains. */
  baseName: string;
  baseKind: string;
  isBuiltIn: boolean;
  typmod: number;
  isArray: boolean;
  enumValues: string[] | null;
  domain: DomainFacts | null;
  domainDefault: string | null;
  domainIsNotNull: boolean;
}

/** Lists the columns in their order. */
export async function readColumns(db: Database, oid: string, role: string): Promise<ColumnFacts[]> {
  const may = (privilege: string) =>
    sql`coalesce(has_column_privilege(pg_roles.oid, attrelid, attnum, ${privilege}), false)`;
  const { rows } = await db.execute<CatalogColumn & Record<string, unknown>>(sql`
    WITH RECURSIVE attribute AS (
      SELECT * FROM pg_attribute WHERE attrelid = ${oid}::oid AND attnum > 0 AND NOT attisdropped
    ), layer AS (
      SELECT attnum AS position, 0 AS depth, atttypid AS type, atttypmod AS typmod FROM attribute
      UNION ALL
      -- A domain of a domain of varchar(10) has the length in the inner domain.
      SELECT position, depth + 1, typbasetype, typtypmod FROM layer JOIN pg_type ON pg_type.oid = type AND typtype = 'd'
    ), domain AS (
      SELECT position, (array_agg(type::regtype::text ORDER BY depth))[1] AS name, bool_or(typnotnull) AS is_not_null,
        (array_agg(typdefault ORDER BY depth) FILTER (WHERE typdefault IS NOT NULL))[1] AS default,
        (
          SELECT coalesce(json_agg(json_build_object('name', conname, 'text', pg_get_constraintdef(pg_constraint.oid)) ORDER BY conname), '[]')
          FROM pg_constraint WHERE contype = 'c' AND contypid = ANY(array_agg(type))
        ) AS checks
      FROM layer JOIN pg_type ON pg_type.oid = type AND typtype = 'd' GROUP BY position
    ), base AS (
      SELECT DISTINCT ON (position) position, type, typmod FROM layer ORDER BY position, depth DESC
    )
    SELECT attname::text AS name, attnum AS position, format_type(atttypid, atttypmod) AS type, attnotnull AS "isNotNull",
      CASE WHEN attgenerated = '' THEN pg_get_expr(adbin, adrelid) END AS default,
      attidentity::text AS identity, attgenerated::text AS generated, col_description(attrelid, attnum) AS comment,
      ${may("SELECT")} AS "canSelect", ${may("INSERT")} AS "canInsert", ${may("UPDATE")} AS "canUpdate",
      NOT coalesce(collisdeterministic, true) AS "hasLooseCollation",
      item.typname::text AS "baseName", item.typtype::text AS "baseKind",
      item.typnamespace = 'pg_catalog'::regnamespace AS "isBuiltIn", base.typmod,
      item.oid <> base.type AS "isArray",
      CASE WHEN item.typtype = 'e' THEN ARRAY(
        SELECT enumlabel::text FROM pg_enum WHERE enumtypid = item.oid ORDER BY enumsortorder
      ) END AS "enumValues",
      CASE WHEN domain.name IS NOT NULL THEN json_build_object('name', domain.name, 'checks', domain.checks) END AS domain,
      domain.default AS "domainDefault", coalesce(domain.is_not_null, false) AS "domainIsNotNull"
    FROM attribute
    JOIN base ON base.position = attnum
    JOIN pg_type AS type ON type.oid = base.type
    JOIN pg_type AS item ON item.oid = CASE WHEN type.typcategory = 'A' AND type.typelem <> 0 THEN type.typelem ELSE type.oid END
    LEFT JOIN domain ON domain.position = attnum
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    LEFT JOIN pg_collation ON pg_collation.oid = attcollation
    LEFT JOIN pg_roles ON rolname = ${role}
    ORDER BY attnum`);
  return rows.map(factsOf);
}

function factsOf(column: CatalogColumn): ColumnFacts {
  const { name, type, baseName, isArray, enumValues, domain, comment, canSelect, canInsert, canUpdate } =
    column;
  const category = categoryOf(column);
  const identity = column.identity === "a" ? "always" : column.identity === "d" ? "by default" : null;
  const isGenerated = column.generated !== "";
  const defaultText = column.default ?? (isGenerated ? null : column.domainDefault);
  return {
    name,
    type,
    category,
    baseName,
    isArray,
    isNotNull: column.isNotNull || column.domainIsNotNull,
    hasDefault: defaultText !== null || identity !== null,
    default: defaultText,
    identity,
    isGenerated,
    ...sizesOf(column),
    enumValues,
    domain,
    hasOwnEquality: column.hasLooseCollation || baseName === "citext",
    comment,
    canSelect,
    canInsert,
    canUpdate,
  };
}

const BUILT_IN: Readonly<Record<string, Category>> = {
  text: "text",
  varchar: "text",
  bpchar: "text",
  name: "text",
  int2: "integer",
  int4: "integer",
  int8: "integer",
  numeric: "decimal",
  float4: "float",
  float8: "float",
  bool: "boolean",
  date: "date",
  timestamp: "timestamp",
  timestamptz: "timestamp",
  time: "time",
  timetz: "time",
  interval: "interval",
  uuid: "uuid",
  json: "json",
  jsonb: "json",
  bytea: "bytes",
  inet: "network",
  cidr: "network",
  macaddr: "network",
  macaddr8: "network",
};

const KINDS: Readonly<Record<string, Category>> = { e: "enum", r: "range", m: "range", c: "composite" };

function categoryOf({ baseName, baseKind, isBuiltIn }: CatalogColumn): Category {
  const known = KINDS[baseKind] ?? (isBuiltIn ? BUILT_IN[baseName] : undefined);
  // The extension may be in any schema.
  return known ?? (baseName === "citext" ? "text" : "other");
}

/** The type modifier counts a header of four bytes. */
const HEADER = 4;

function sizesOf({
  baseName,
  typmod,
}: CatalogColumn): Pick<ColumnFacts, "maxLength" | "precision" | "scale"> {
  const isLimited = typmod >= HEADER;
  const maxLength = isLimited && (baseName === "varchar" || baseName === "bpchar") ? typmod - HEADER : null;
  if (!isLimited || baseName !== "numeric") return { maxLength, precision: null, scale: null };
  const size = typmod - HEADER;
  // Eleven bits with a sign: since PostgreSQL 15 a scale can be negative.
  return { maxLength, precision: (size >> 16) & 0xffff, scale: ((size & 0x7ff) ^ 0x400) - 0x400 };
}

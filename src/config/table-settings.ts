/** The settings of targets that write into tables of applications in the same database. */
import Type, { type Static, type TObject } from "typebox";
import { ConfigError } from "../errors.ts";
import { QUEUE_SCHEMA, rowmill } from "../schema/columns.ts";

const NAME = '[^\\s.,*"][^.,"]*';

export const tableSettings = {
  TARGET_TABLES: Type.String({
    default: "",
    pattern: `^$|^(${NAME}|\\*)\\.(${NAME}|\\*)(\\s*,\\s*(${NAME}|\\*)\\.(${NAME}|\\*))*$`,
    description:
      "Tables of the database that targets may write into and look values up in, such as `shop.*,crm.customers`. If unset, no table. Never those of Rowmill and of PostgreSQL.",
  }),
  TARGET_ROLE: Type.String({
    default: "rowmill_target",
    pattern: '^(?!pg_)[^\\s"]{1,63}$',
    description: "Role of the database with which rows are written into tables of TARGET_TABLES.",
  }),
  TARGET_TRUSTED_OWNERS: Type.String({
    default: "",
    pattern: '^$|^[^\\s,"]{1,63}(\\s*,\\s*[^\\s,"]{1,63})*$',
    description:
      "Roles that may own these tables and the functions that run when rows are written, besides superusers and the owner of the schema `rowmill`. Their code can do what Rowmill can do.",
  }),
};

type TableSettings = Static<TObject<typeof tableSettings>> & { readonly DATABASE_BACKEND: string };

/** The tables with a name, or all tables (`*`), of a schema or of all schemas. */
export interface TablePattern {
  readonly schema: string;
  readonly table: string;
}

/** @throws ConfigError if the database is not one PostgreSQL server */
export function tableTargets(settings: TableSettings) {
  if (settings.TARGET_TABLES && settings.DATABASE_BACKEND !== "postgres") {
    throw new ConfigError(
      `TARGET_TABLES: writing into tables of applications needs PostgreSQL, not ${settings.DATABASE_BACKEND}.`,
    );
  }
  const allowed = listOf(settings.TARGET_TABLES).map((text): TablePattern => {
    const [schema = "", table = ""] = text.split(".");
    return { schema, table };
  });
  const forbidden = allowed.find(({ schema }) => isSystemSchema(schema));
  if (forbidden) {
    throw new ConfigError(
      `TARGET_TABLES: targets never write into the schema ${forbidden.schema}. Name schemas of applications.`,
    );
  }
  return {
    /** Empty: the feature is off. */
    allowed,
    role: settings.TARGET_ROLE,
    trustedOwners: listOf(settings.TARGET_TRUSTED_OWNERS),
  } as const;
}

/** Whether the tables of the schema belong to Rowmill, to pg-boss or to PostgreSQL. Targets have nothing to do with them. */
export function isSystemSchema(schema: string): boolean {
  return (
    [rowmill.schemaName, QUEUE_SCHEMA, "pgboss", "information_schema"].includes(schema) || /^pg_/.test(schema)
  );
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

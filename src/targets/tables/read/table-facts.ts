/** Facts about a table, from the catalogs of PostgreSQL. */

export const SUPPORTED_KINDS = ["table", "partitioned table"] as const;

export interface TableFacts {
  readonly schema: string;
  readonly table: string;
  /** Rows are written only into SUPPORTED_KINDS. */
  readonly kind: (typeof SUPPORTED_KINDS)[number] | "view" | "materialized view" | "foreign table" | "other";
  readonly owner: string;
  readonly comment: string | null;
  /** Whether a crash of the server empties the table. */
  readonly isUnlogged: boolean;
  /** Tables that inherit from it, without partitions. */
  readonly children: readonly string[];
  readonly columns: readonly ColumnFacts[];
  readonly keys: readonly KeyFacts[];
  readonly foreignKeys: readonly ForeignKeyFacts[];
  readonly checks: readonly CheckFacts[];
  readonly exclusions: readonly ConstraintFacts[];
  /** The columns by which the table is partitioned; null as an item: an expression. Empty: it is not partitioned. */
  readonly partitionKey: readonly (string | null)[];
  readonly triggers: readonly TriggerFacts[];
  /** Rewrite rules of INSERT, UPDATE and DELETE. */
  readonly rules: readonly string[];
  /** Row-level security. */
  readonly hasRowSecurity: boolean;
  readonly policies: readonly PolicyFacts[];
  readonly privileges: Privileges;
}

/** The privileges of the role of TARGET_ROLE. All are false if it does not exist. */
export interface Privileges {
  readonly roleExists: boolean;
  /** USAGE of the schema. */
  readonly canUse: boolean;
  /** Each for the whole table; columns have their own. */
  readonly canSelect: boolean;
  readonly canInsert: boolean;
  readonly canUpdate: boolean;
  readonly canDelete: boolean;
  /** Sequences of defaults that the role may not use, quoted for SQL. */
  readonly missingSequences: readonly string[];
}

export type Category =
  | "text"
  | "integer"
  | "decimal"
  | "float"
  | "boolean"
  | "date"
  | "timestamp"
  | "time"
  | "interval"
  | "uuid"
  | "enum"
  | "json"
  | "bytes"
  | "range"
  | "composite"
  | "network"
  | "other";

export interface ColumnFacts {
  readonly name: string;
  /** For casts, qualified unless the type is one of PostgreSQL: `numeric(10,2)`, `shop.tier`, `text[]`. */
  readonly type: string;
  /** Without domains; of an array, the type of its items. */
  readonly category: Category;
  /** The name of the type without domains and arrays, as in pg_type: `int4`, `timestamptz`. */
  readonly baseName: string;
  readonly isArray: boolean;
  /** Also true if its domain refuses null. */
  readonly isNotNull: boolean;
  /** Also true for identity columns, and if its domain has a default. Not for generated columns. */
  readonly hasDefault: boolean;
  /** An SQL expression. */
  readonly default: string | null;
  readonly identity: "always" | "by default" | null;
  readonly isGenerated: boolean;
  readonly maxLength: number | null;
  readonly precision: number | null;
  readonly scale: number | null;
  /** In the order of the enum. */
  readonly enumValues: readonly string[] | null;
  readonly domain: DomainFacts | null;
  /** Whether the type or the collation compares texts without regard to case, or by other rules than their bytes. */
  readonly hasOwnEquality: boolean;
  readonly comment: string | null;
  /** The privileges of the role of TARGET_ROLE. */
  readonly canSelect: boolean;
  readonly canInsert: boolean;
  readonly canUpdate: boolean;
}

export interface DomainFacts {
  /** Qualified and quoted. */
  readonly name: string;
  /** Those of the domains that it is built on as well. */
  readonly checks: readonly { readonly name: string; readonly text: string }[];
}

export interface KeyFacts {
  /** The name of the index. */
  readonly name: string;
  /** Without expressions. */
  readonly columns: readonly string[];
  readonly isPrimary: boolean;
  /** Whether two rows with null have the same key. */
  readonly nullsNotDistinct: boolean;
  /** Whether `ON CONFLICT (columns)` can use it. */
  readonly usable: boolean;
  /** Why it is not usable, to follow its name; null: it is usable. */
  readonly why: string | null;
}

export interface ForeignKeyFacts {
  readonly name: string;
  readonly columns: readonly string[];
  readonly schema: string;
  readonly table: string;
  /** The referenced columns, in the order of `columns`. */
  readonly otherColumns: readonly string[];
  /** Single text columns of the other table that are unique, not null and readable for the role. */
  readonly uniqueTextColumns: readonly string[];
}

export interface ConstraintFacts {
  readonly name: string;
  readonly columns: readonly string[];
  readonly text: string;
}

interface CheckFacts extends ConstraintFacts {
  /** The simple conditions on single columns. Together they may say less than `text`. */
  readonly forms: readonly CheckForm[];
}

/** A condition on a column. Null satisfies it, except `not_null`. */
export type CheckForm =
  | {
      /** `above` and `below` exclude the value. */
      readonly kind: "minimum" | "maximum" | "above" | "below";
      readonly column: string;
      /** A constant as text, or CURRENT_DATE. */
      readonly value: string;
    }
  | { readonly kind: "values"; readonly column: string; readonly values: readonly string[] }
  | { readonly kind: "pattern"; readonly column: string; readonly pattern: string }
  | { readonly kind: "min_length" | "max_length"; readonly column: string; readonly length: number }
  | { readonly kind: "not_null"; readonly column: string };

export interface TriggerFacts {
  readonly name: string;
  /** As in `BEFORE INSERT OR UPDATE`. */
  readonly when: string;
  /** Qualified and quoted. */
  readonly function: string;
  readonly functionOwner: string;
}

export interface PolicyFacts {
  readonly name: string;
  /** For example `INSERT`; `ALL`. */
  readonly command: string;
  readonly using: string | null;
  readonly check: string | null;
}

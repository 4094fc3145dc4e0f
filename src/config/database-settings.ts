import Type from "typebox";

export const databaseSettings = {
  DATABASE_URL: Type.String({
    default: "",
    pattern: "^$|^postgres(ql)?://",
    description: "PostgreSQL 15 or later. If unset, `npm start` runs an embedded PostgreSQL 18 in DATA_DIR.",
  }),
  DATABASE_BACKEND: Type.Enum(["postgres", "citus"], {
    default: "postgres",
    description: "Kind of database at DATABASE_URL: postgres, or citus for several nodes.",
  }),
  DATABASE_READ_URL: Type.String({
    default: "",
    pattern: "^$|^postgres(ql)?://",
    description:
      "A standby of the database (streaming replication). Lists, reports and results of ended batches are read there.",
  }),
  DATABASE_READ_MAX_LAG_SECONDS: Type.Integer({
    default: 5,
    minimum: 1,
    maximum: 3600,
    description: "A standby that is further behind than this is not read.",
  }),
  DATABASE_POOL_MAX: Type.Integer({
    default: 16,
    minimum: 8,
    maximum: 1000,
    description:
      "Maximum connections per process, not counting the one that listens for changes, and the one of a running backup.",
  }),
};

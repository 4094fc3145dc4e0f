import { test } from "vitest";
import { DATABASE_BACKEND } from "./postgres.ts";

/**
 * For tests that need one server: Citus explains no statement with parameters, shows neither the sizes nor the locks of its shards, has
 * no sequences on its nodes, and Rowmill has no backups and no `TARGET_TABLES` there. Whole files of such tests are in `vitest.config.ts`.
 */
export const testOnOneServer = test.skipIf(DATABASE_BACKEND === "citus");

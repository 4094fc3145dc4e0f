import type { Context } from "../../src/context.ts";
import { createDayPartitions } from "../../src/platform/postgres/partitions/day-partitions.ts";
import { ROW_TABLES } from "../../src/schema/day-tables.ts";
import { REQUEST_LOG } from "../../src/schema/request-log.ts";

/** Creates the partitions of rows and results for the next days, by the clock of the context. @returns how many */
export const prepareRowDays = ({ pool, now }: Context) => createDayPartitions(pool, ROW_TABLES, now());

/** Creates the partitions of the request log for the next days, by the clock of the context. @returns how many */
export const prepareLogDays = ({ pool, now }: Context) => createDayPartitions(pool, [REQUEST_LOG], now());

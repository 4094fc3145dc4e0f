/** Column types that several tables share. */
import { bigint, customType, timestamp } from "drizzle-orm/pg-core";

export const bytea = customType<{ data: Buffer }>({ dataType: () => "bytea" });
export const moment = (name: string) => timestamp(name, { withTimezone: true });
export const identity = (name: string) => bigint(name, { mode: "number" }).generatedByDefaultAsIdentity();

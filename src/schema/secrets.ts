/** Values that admins keep for outgoing requests, such as the token of a service. */
import { bigint, boolean, text } from "drizzle-orm/pg-core";
import { bytea, moment, rowmill } from "./columns.ts";

export const secrets = rowmill.table("secrets", {
  name: text("name").primaryKey(),
  /** The key that encrypts the value: the beginning of a hash of it. */
  keyId: text("key_id").notNull(),
  /** The nonce, the tag and the ciphertext (src/secrets/encryption.ts). */
  encrypted: bytea("encrypted").notNull(),
  /** The hosts that may receive the value, such as `api.example.com`; empty: any host. */
  hosts: text("hosts").array().notNull(),
  /** Whether requests of all users may have the value. Otherwise only those of admins. */
  isShared: boolean("is_shared").notNull(),
  /** null: a command has set it. No foreign key: the account may go, and the name stays. */
  setBy: bigint("set_by", { mode: "number" }),
  setByName: text("set_by_name"),
  setAt: moment("set_at").notNull().defaultNow(),
  /** Up to a minute late. */
  lastUsedAt: moment("last_used_at"),
});

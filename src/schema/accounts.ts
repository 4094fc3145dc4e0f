/** Users, and what they prove who they are with. */
import { sql } from "drizzle-orm";
import { bigint, index, integer, text, uniqueIndex, uuid, varchar } from "drizzle-orm/pg-core";
import { bytea, identity, moment, rowmill } from "./columns.ts";

export const userRole = rowmill.enum("user_role", ["user", "operator", "admin"]);

export const users = rowmill.table(
  "users",
  {
    id: identity("id").primaryKey(),
    username: text("username").notNull(),
    email: text("email").notNull().default(""),
    firstName: text("first_name").notNull().default(""),
    lastName: text("last_name").notNull().default(""),
    passwordHash: text("password_hash").notNull(),
    role: userRole("role").notNull().default("user"),
    createdAt: moment("created_at").notNull().defaultNow(),
  },
  (t) => [uniqueIndex("users_username_key").on(sql`lower(${t.username})`)],
);

/** One row a token; a family is a login and all that was rotated from it. Only hashes are kept. */
export const refreshTokens = rowmill.table(
  "refresh_tokens",
  {
    tokenHash: bytea("token_hash").primaryKey(),
    familyId: uuid("family_id").notNull(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at").notNull(),
    usedAt: moment("used_at"),
    revokedAt: moment("revoked_at"),
  },
  (t) => [index("refresh_tokens_family").on(t.familyId), index("refresh_tokens_expiry").on(t.expiresAt)],
);

/** Tokens for programs, each with a name and a life of its own. Random enough that a plain hash keeps them. */
export const apiTokens = rowmill.table(
  "api_tokens",
  {
    id: identity("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    tokenHash: bytea("token_hash").notNull(),
    /** Its last characters, by which its owner tells it from others. */
    hint: text("hint").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at"),
    /** To the minute. */
    lastUsedAt: moment("last_used_at"),
  },
  (t) => [
    uniqueIndex("api_tokens_hash").on(t.tokenHash),
    uniqueIndex("api_tokens_name").on(t.userId, sql`lower(${t.name})`),
  ],
);

/** Counters of failed logins, in the shape that rate-limiter-flexible writes (`expire` is epoch milliseconds). */
export const rateLimits = rowmill.table("rate_limits", {
  key: varchar("key", { length: 255 }).primaryKey(),
  points: integer("points").notNull().default(0),
  expire: bigint("expire", { mode: "number" }),
});

export type Role = "user" | "operator" | "admin";

export interface Caller {
  readonly id: number;
  readonly username: string;
  readonly role: Role;
}

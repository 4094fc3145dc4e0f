/** Users, their sessions and API tokens, and the counters of logins and signups. */
import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import { bigint, index, integer, text, uniqueIndex, uuid, varchar } from "drizzle-orm/pg-core";
import { bytea, identity, moment, rowmill } from "./columns.ts";

export const userRole = rowmill.enum("user_role", ["user", "operator", "admin"]);

export const users = rowmill.table(
  "users",
  {
    id: identity("id").primaryKey(),
    username: text("username").notNull(),
    email: text("email").notNull().default(""),
    /** The address whose owner has confirmed it, or that an admin has given. Another one in `email` is not confirmed. */
    confirmedEmail: text("confirmed_email").notNull().default(""),
    firstName: text("first_name").notNull().default(""),
    lastName: text("last_name").notNull().default(""),
    passwordHash: text("password_hash").notNull(),
    role: userRole("role").notNull().default("user"),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** A disabled account is refused with all its credentials. null: it is enabled. */
    disabledAt: moment("disabled_at"),
  },
  (t) => [
    uniqueIndex("users_username_key").on(sql`lower(${t.username})`),
    index("users_email").on(sql`lower(${t.email})`).where(sql`${t.email} <> ''`),
  ],
);

/** Matches the accounts of admins that are enabled. */
export function isEnabledAdmin({ role, disabledAt }: Record<"role" | "disabledAt", SQLWrapper>): SQL {
  return sql`(${role} = 'admin' AND ${disabledAt} IS NULL)`;
}

/**
 * Logins with tokens. Access tokens and refresh tokens name their session and end with it. It has no foreign key to its
 * refresh tokens: logins of versions before 0.5.0 get their session at the next refresh.
 */
export const sessions = rowmill.table(
  "sessions",
  {
    id: uuid("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    createdAt: moment("created_at").notNull().defaultNow(),
    /** The login, or the last refresh. */
    lastUsedAt: moment("last_used_at").notNull().defaultNow(),
    /** No token of the session is valid after this time. */
    expiresAt: moment("expires_at").notNull(),
    endedAt: moment("ended_at"),
    /** The client of the last use, so that the user recognizes the session. */
    address: text("address").notNull().default(""),
    userAgent: text("user_agent").notNull().default(""),
  },
  (t) => [
    index("sessions_of_user").on(t.userId, t.id).where(sql`${t.endedAt} IS NULL`),
    index("sessions_expiry").on(t.expiresAt),
  ],
);

/** Refresh tokens, as hashes. A family is the first token of a session and all tokens that replaced it. */
export const refreshTokens = rowmill.table(
  "refresh_tokens",
  {
    tokenHash: bytea("token_hash").primaryKey(),
    /** The id of the session. */
    familyId: uuid("family_id").notNull(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at").notNull(),
    usedAt: moment("used_at"),
    revokedAt: moment("revoked_at"),
  },
  (t) => [
    index("refresh_tokens_family").on(t.familyId),
    index("refresh_tokens_expiry").on(t.expiresAt),
    index("refresh_tokens_of_user").on(t.userId).where(sql`${t.revokedAt} IS NULL`),
  ],
);

/** API tokens, as hashes. A plain hash is enough, because tokens are long and random. */
export const apiTokens = rowmill.table(
  "api_tokens",
  {
    id: identity("id").primaryKey(),
    userId: bigint("user_id", { mode: "number" })
      .notNull()
      .references(() => users.id, { onDelete: "cascade" }),
    name: text("name").notNull(),
    tokenHash: bytea("token_hash").notNull(),
    /** The last characters, so that the owner can recognize the token. */
    hint: text("hint").notNull(),
    createdAt: moment("created_at").notNull().defaultNow(),
    expiresAt: moment("expires_at"),
    /** Accurate to the minute. */
    lastUsedAt: moment("last_used_at"),
  },
  (t) => [
    uniqueIndex("api_tokens_hash").on(t.tokenHash),
    uniqueIndex("api_tokens_name").on(t.userId, sql`lower(${t.name})`),
  ],
);

/** The password reset of an account that was requested last. The token is stored as a hash. */
export const passwordResets = rowmill.table(
  "password_resets",
  {
    userId: bigint("user_id", { mode: "number" })
      .primaryKey()
      .references(() => users.id, { onDelete: "cascade" }),
    tokenHash: bytea("token_hash").notNull(),
    expiresAt: moment("expires_at").notNull(),
  },
  (t) => [uniqueIndex("password_resets_token").on(t.tokenHash)],
);

/** Failed logins per account and source, per account and per address (accounts/login-counters.ts). */
export const loginCounters = rowmill.table("login_counters", {
  key: text("key").primaryKey(),
  failures: integer("failures").notNull().default(0),
  /** Attempts whose password is being verified. They count until `running_until`, even if their process dies. */
  running: integer("running").notNull().default(0),
  runningUntil: moment("running_until"),
  /** Attempts are refused until then. */
  blockedUntil: moment("blocked_until"),
  /** The failures count until then. */
  forgetAt: moment("forget_at").notNull().defaultNow(),
  /** A login from this source succeeded; until then the source is known to the account. */
  knownUntil: moment("known_until"),
});

/** Signups per address, in the format of rate-limiter-flexible. `expire` is in milliseconds since 1970. */
export const rateLimits = rowmill.table("rate_limits", {
  key: varchar("key", { length: 255 }).primaryKey(),
  points: integer("points").notNull().default(0),
  expire: bigint("expire", { mode: "number" }),
});

/** The kind of credentials of a request. */
export type Proof = "access_token" | "api_token" | "password";

export type Role = "user" | "operator" | "admin";

export interface Caller {
  readonly id: number;
  readonly username: string;
  readonly role: Role;
}

/** The user of a request, and how the request proved it. */
export interface Actor extends Caller {
  readonly proof: Proof;
}

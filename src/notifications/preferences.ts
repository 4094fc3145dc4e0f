import { eq, sql } from "drizzle-orm";
import {
  type AnnouncementKind,
  announcementKinds,
  type Channels,
  type Kind,
  kinds,
} from "../announcements/kinds.ts";
import { type Context, inTransaction, type Tx } from "../context.ts";
import { invalidField } from "../errors.ts";
import type { Role } from "../schema/accounts.ts";
import { notificationPreferences } from "../schema/notifications.ts";

export interface Preference {
  readonly kind: Kind;
  /** The channels on which the user gets it. */
  readonly channels: Channels;
}

/** The channels to change; null: the default of the kind. */
export type ChannelChanges = { readonly [C in keyof Channels]: boolean | null | undefined };

interface User {
  readonly id: number;
  readonly role: Role;
}

const isForRole = (kind: Kind, role: Role): boolean => {
  const { role: required = role }: AnnouncementKind = announcementKinds[kind];
  return required === role;
};

/** Lists the channels of every kind that users of this role get. */
export async function listPreferences(ctx: Context, { id, role }: User): Promise<Preference[]> {
  const chosen = await ctx.db
    .select()
    .from(notificationPreferences)
    .where(eq(notificationPreferences.userId, id));
  const byKind = new Map(chosen.map((one) => [one.kind, one]));
  return kinds
    .filter((kind) => isForRole(kind, role))
    .map((kind) => {
      const { channels } = announcementKinds[kind];
      const own = byKind.get(kind);
      return {
        kind,
        channels: {
          inApp: own?.inApp ?? channels.inApp,
          email: own?.email ?? channels.email,
          webhook: own?.webhook ?? channels.webhook,
        },
      };
    });
}

/** @throws DomainError `invalid_input` if a kind is only for admins */
export async function changePreferences(
  ctx: Context,
  user: User,
  changes: ReadonlyMap<Kind, ChannelChanges>,
): Promise<Preference[]> {
  for (const kind of changes.keys()) {
    if (!isForRole(kind, user.role))
      throw invalidField(kind, "Only admins get notifications of this kind. Leave it out.");
  }
  // Ordered, so that two requests cannot deadlock.
  const values = [...changes]
    .map(([kind, channels]) => ({ userId: user.id, kind, ...channels }))
    .toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  return inTransaction(ctx, async (tx) => {
    if (changes.get("message")?.email) await allowMessages(tx, user.id);
    for (const value of values) {
      const { inApp, email, webhook } = value;
      await tx.db
        .insert(notificationPreferences)
        .values(value)
        .onConflictDoUpdate({
          target: [notificationPreferences.userId, notificationPreferences.kind],
          // `undefined` leaves a column unchanged.
          set: { userId: user.id, inApp, email, webhook },
        });
    }
    return listPreferences(tx, user);
  });
}

/** Undoes an unsubscribe link, which stops messages to the address of the user. */
async function allowMessages({ db }: Tx, userId: number): Promise<void> {
  await db.execute(sql`
    DELETE FROM rowmill.mail_suppressions WHERE scope = 'bulk_message'
      AND address = (SELECT lower(email) FROM rowmill.users WHERE id = ${userId})`);
}

import { and, desc, eq, lt, sql } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { type Found, firstOf } from "../../platform/postgres/read-page.ts";
import { createdWithin } from "../../platform/postgres/within-times.ts";
import { type mailState, mailSuppressions, mails } from "../../schema/mails.ts";
import type { MailKind } from "../mail-data.ts";

type MailState = (typeof mailState.enumValues)[number];

/** Without the data, which can be long. */
const listed = {
  id: mails.id,
  kind: mails.kind,
  userId: mails.userId,
  address: mails.address,
  name: mails.name,
  state: mails.state,
  attempts: mails.attempts,
  dueAt: mails.dueAt,
  reply: mails.reply,
  createdAt: mails.createdAt,
  sentAt: mails.sentAt,
};

export type Mail = typeof mails.$inferSelect;
export type ListedMail = Pick<Mail, keyof typeof listed>;

export interface MailFilter {
  readonly state?: MailState;
  readonly kind?: MailKind;
  /** The whole address, ignoring case. */
  readonly address?: string;
  /** Created at this time or later, and earlier than that. */
  readonly from?: Date;
  readonly before?: Date;
}

/** Newest first. @param before the id of the last mail of the previous page; null: the first page */
export async function listMails(
  { db }: Context,
  { state, kind, address, from, before: createdBefore }: MailFilter,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<Found<ListedMail>> {
  const found = await db
    .select(listed)
    .from(mails)
    .where(
      and(
        state && eq(mails.state, state),
        kind && eq(mails.kind, kind),
        address === undefined ? undefined : sql`lower(${mails.address}) = lower(${address})`,
        createdWithin(mails, from, createdBefore),
        before === null ? undefined : lt(mails.id, before),
      ),
    )
    .orderBy(desc(mails.id))
    .limit(limit + 1);
  return firstOf(found, limit);
}

/** @throws DomainError `not_found` */
export async function getMail({ db }: Context, id: string): Promise<Mail> {
  const [mail] = await db.select().from(mails).where(eq(mails.id, id));
  if (!mail) throw notFound("mail");
  return mail;
}

export type Suppression = typeof mailSuppressions.$inferSelect;

/** Newest first. */
export function listSuppressions({ db }: Context, limit: number, address?: string): Promise<Suppression[]> {
  return db
    .select()
    .from(mailSuppressions)
    .where(address === undefined ? undefined : eq(mailSuppressions.address, address.toLowerCase()))
    .orderBy(desc(mailSuppressions.createdAt))
    .limit(limit);
}

/** Why an address refuses mail; null if it does not. */
export async function refusalOf(ctx: Context, address: string): Promise<Suppression | null> {
  const found = await listSuppressions(ctx, 2, address);
  return found.find(({ scope }) => scope === "all") ?? null;
}

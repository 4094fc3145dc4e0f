import type { Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { mails } from "../schema/mails.ts";
import type { MailData, MailKind } from "./mail-data.ts";

export interface NewMail<K extends MailKind = MailKind> {
  readonly kind: K;
  readonly to: {
    /** null for a recipient without an account. */
    readonly userId: number | null;
    readonly address: string;
    readonly name: string;
  };
  readonly data: MailData[K];
  /** Prevents a second mail for the same event. */
  readonly key?: string;
}

/**
 * Stores a mail in the outbox, and enqueues the job that sends it.
 * @returns the id of the mail; undefined if a mail with the same key exists
 */
export async function addMail<K extends MailKind>(
  tx: Tx,
  { kind, to, data, key }: NewMail<K>,
): Promise<string | undefined> {
  const [mail] = await tx.db
    .insert(mails)
    .values({ id: uuidV7(tx.now()), kind, ...to, data: { ...data }, key: key ?? null })
    .onConflictDoNothing()
    .returning({ id: mails.id });
  if (mail) await tx.queue.add(tx.db, jobs.sendMail, [{ id: mail.id, payload: { mailId: mail.id } }]);
  return mail?.id;
}

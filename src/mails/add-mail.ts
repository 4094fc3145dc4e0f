import type { Tx } from "../context.ts";
import { jobs } from "../jobs.ts";
import { uuidV7 } from "../platform/ids.ts";
import { storableJson } from "../platform/postgres/storable.ts";
import { mails } from "../schema/mails.ts";
import { isDeliverable } from "./addresses.ts";
import { type MailData, type MailKind, mailPriority } from "./mail-data.ts";

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

const INVALID = "The address is not valid.";

/** The columns of a new mail. Mail to an invalid address fails at once, so that no mail server sees the address. */
export function newRow<K extends MailKind>(now: Date, { kind, to, data, key }: NewMail<K>) {
  return {
    id: uuidV7(now),
    kind,
    ...to,
    data: JSON.parse(storableJson(data)) as Record<string, unknown>,
    key: key ?? null,
    ...(isDeliverable(to.address) ? {} : { state: "failed" as const, reply: INVALID }),
  };
}

/**
 * Stores a mail in the outbox, and enqueues the job that sends it. Without a mail server, it stays in the outbox.
 * @returns the id of the mail; undefined if a mail with the same key exists
 */
export async function addMail<K extends MailKind>(tx: Tx, mail: NewMail<K>): Promise<string | undefined> {
  const [added] = await tx.db
    .insert(mails)
    .values(newRow(tx.now(), mail))
    .onConflictDoNothing()
    .returning({ id: mails.id, state: mails.state });
  if (added?.state === "queued" && tx.smtp)
    await tx.queue.add(tx.db, jobs.sendMail, [jobOf(added.id, mail.kind)]);
  return added?.id;
}

/** The job that sends a mail. */
export function jobOf(id: string, kind: MailKind) {
  return { id, payload: { mailId: id }, priority: mailPriority[kind] };
}

/** Changes that administrators make to the outbox. */
import { and, eq, inArray, sql } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { type Context, inTransaction } from "../../context.ts";
import { DomainError } from "../../errors.ts";
import { jobs } from "../../jobs.ts";
import { mailSuppressions, mails } from "../../schema/mails.ts";
import { jobOf } from "../add-mail.ts";
import type { MailKind } from "../mail-data.ts";
import { getMail, type Mail } from "./queries.ts";

const ENDED = ["failed", "uncertain", "suppressed", "cancelled"] as const;

/**
 * Sends a mail again that was not sent, or may not have been sent. All its attempts are allowed again.
 * @throws DomainError `not_found`; `conflict` if the mail is sent or waits to be sent
 */
export function retryMail(ctx: Context, id: string): Promise<Mail> {
  return inTransaction(ctx, async (tx) => {
    const [mail] = await tx.db
      .update(mails)
      .set({
        state: "queued",
        attempts: 0,
        hasJob: true,
        reply: null,
        dueAt: sql`statement_timestamp()`,
        queuedAt: sql`statement_timestamp()`,
      })
      .where(and(eq(mails.id, id), inArray(mails.state, [...ENDED])))
      .returning();
    if (!mail) {
      const { state } = await getMail(tx, id);
      throw new DomainError(
        "conflict",
        `The mail is ${state}. Only mails that are ${ENDED.join(", ")} can be retried.`,
      );
    }
    await tx.queue.remove(tx.db, jobs.sendMail, [id]);
    if (tx.smtp) await tx.queue.add(tx.db, jobs.sendMail, [jobOf(id, mail.kind as MailKind)]);
    await recordAudit(tx, {
      action: "mail.retried",
      subject: { type: "mail", id },
      ownerId: mail.userId,
      details: { kind: mail.kind, to: mail.address },
    });
    return mail;
  });
}

/** Lets an address get all mail again. @returns false if it was not suppressed */
export function allowAddress(ctx: Context, address: string): Promise<boolean> {
  const id = address.toLowerCase();
  return inTransaction(ctx, async (tx) => {
    const [removed] = await tx.db
      .delete(mailSuppressions)
      .where(eq(mailSuppressions.address, id))
      .returning({ scope: mailSuppressions.scope, reply: mailSuppressions.reply });
    if (!removed) return false;
    const subject = { type: "suppression", id };
    await recordAudit(tx, { action: "suppression.removed", subject, details: removed });
    return true;
  });
}

/** Mails in the outbox. */
import { eq, sql } from "drizzle-orm";
import { type Context, inTransaction } from "../../src/context.ts";
import { addMail } from "../../src/mails/add-mail.ts";
import { mails } from "../../src/schema/mails.ts";

/** Adds a message to one address. @returns its id */
export async function newMail(
  ctx: Context,
  address: string,
  { userId = null, subject = "News" }: { userId?: number | null; subject?: string } = {},
): Promise<string> {
  const id = await inTransaction(ctx, (tx) =>
    addMail(tx, {
      kind: "bulk_message",
      to: { userId, address, name: "Ada" },
      data: { subject, message: "Hello.", sender: "root" },
    }),
  );
  if (!id) throw new Error("The mail exists already.");
  return id;
}

export async function mailOf({ db }: Context, id: string): Promise<typeof mails.$inferSelect> {
  const [mail] = await db.select().from(mails).where(eq(mails.id, id));
  if (!mail) throw new Error(`No mail ${id}.`);
  return mail;
}

/** The next attempt is due, and no domain is held. */
export async function makeDue({ db }: Context, id: string): Promise<void> {
  await db
    .update(mails)
    .set({ dueAt: sql`statement_timestamp() - interval '1 minute'` })
    .where(eq(mails.id, id));
  await db.execute(sql`UPDATE rowmill.mail_holds SET held_until = statement_timestamp()`);
}

/** Reads of webhooks and their deliveries. */
import { and, asc, desc, eq, getTableColumns, gt, isNull, lt, type SQL, sql } from "drizzle-orm";
import type { Context, Tx } from "../context.ts";
import { notFound } from "../errors.ts";
import { type Found, readPage } from "../platform/postgres/read-page.ts";
import { type DeliveryState, webhookAttempts, webhookDeliveries, webhooks } from "../schema/webhooks.ts";

export type Webhook = typeof webhooks.$inferSelect;
export type Delivery = typeof webhookDeliveries.$inferSelect;
export type Attempt = typeof webhookAttempts.$inferSelect;

export function isOwnedBy(userId: number): SQL | undefined {
  return and(eq(webhooks.userId, userId), isNull(webhooks.deletedAt));
}

/** @throws DomainError `not_found` */
export async function getWebhook(ctx: Context, userId: number, id: string): Promise<Webhook> {
  const [webhook] = await ctx.db
    .select()
    .from(webhooks)
    .where(and(eq(webhooks.id, id), isOwnedBy(userId)));
  if (!webhook) throw notFound("webhook");
  return webhook;
}

/** Locks the webhook until the commit. @throws DomainError `not_found` */
export async function lockOwnWebhook(tx: Tx, userId: number, id: string): Promise<Webhook> {
  const webhook = await lockWebhook(tx, sql`${eq(webhooks.id, id)} AND ${isOwnedBy(userId)}`);
  if (!webhook) throw notFound("webhook");
  return webhook;
}

/** New deliveries do not wait for this lock. */
export async function lockWebhook(tx: Tx, where: SQL): Promise<Webhook | undefined> {
  const [webhook] = await tx.db.select().from(webhooks).where(where).for("no key update");
  return webhook;
}

/** Oldest first. @param after the id of the last webhook of the previous page */
export function listWebhooks(
  ctx: Context,
  userId: number,
  { after, limit }: { after: string | null; limit: number },
): Promise<Found<Webhook>> {
  const where = and(isOwnedBy(userId), after === null ? undefined : gt(webhooks.id, after));
  return readPage(ctx, {
    fields: getTableColumns(webhooks),
    from: sql`${webhooks} WHERE ${where} ORDER BY ${asc(webhooks.id)}`,
    order: sql`id`,
    limit,
  });
}

const { body: _, ...listedColumns } = getTableColumns(webhookDeliveries);
export type ListedDelivery = Omit<Delivery, "body">;

/** Newest first. @param before the id of the last delivery of the previous page */
export function listDeliveries(
  ctx: Context,
  webhookId: string,
  state: DeliveryState | undefined,
  { before, limit }: { before: string | null; limit: number },
): Promise<Found<ListedDelivery>> {
  const where = and(
    eq(webhookDeliveries.webhookId, webhookId),
    state && eq(webhookDeliveries.state, state),
    before === null ? undefined : lt(webhookDeliveries.id, before),
  );
  return readPage(ctx, {
    fields: listedColumns,
    from: sql`${webhookDeliveries} WHERE ${where} ORDER BY ${desc(webhookDeliveries.id)}`,
    order: sql`id DESC`,
    limit,
  });
}

/** @returns also its attempts, oldest first. @throws DomainError `not_found` */
export async function getDelivery(
  ctx: Context,
  webhookId: string,
  id: string,
): Promise<Delivery & { attemptLog: Attempt[] }> {
  const [delivery] = await ctx.db
    .select()
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.webhookId, webhookId)));
  if (!delivery) throw notFound("delivery");
  const attemptLog = await ctx.db
    .select()
    .from(webhookAttempts)
    .where(eq(webhookAttempts.deliveryId, id))
    .orderBy(asc(webhookAttempts.number));
  return { ...delivery, attemptLog };
}

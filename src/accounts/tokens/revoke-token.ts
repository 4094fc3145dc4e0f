import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { apiTokens } from "../../schema/accounts.ts";
import { isOf } from "./api-tokens.ts";

/** From now on no process takes it. @throws DomainError `not_found` */
export async function revokeToken({ db }: Context, userId: number, id: number): Promise<void> {
  const { rowCount } = await db.delete(apiTokens).where(and(isOf(userId), eq(apiTokens.id, id)));
  if (rowCount === 0) throw notFound("API token");
}

import { and, eq } from "drizzle-orm";
import type { Context } from "../../context.ts";
import { notFound } from "../../errors.ts";
import { apiTokens } from "../../schema/accounts.ts";
import { isOwnedBy } from "./api-tokens.ts";

/** Takes effect at once in all processes. @throws DomainError `not_found` */
export async function revokeToken({ db }: Context, userId: number, id: number): Promise<void> {
  const { rowCount } = await db.delete(apiTokens).where(and(isOwnedBy(userId), eq(apiTokens.id, id)));
  if (rowCount === 0) throw notFound("API token");
}

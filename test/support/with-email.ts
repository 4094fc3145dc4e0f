import { eq } from "drizzle-orm";
import { beforeEach } from "vitest";
import { users } from "../../src/schema/accounts.ts";
import type { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

/** Gives the user of each test a confirmed address. Call it after `useUserPerTest`. */
export function withEmail(rowmill: Rowmill, user: Client): void {
  beforeEach(async () => void (await giveEmail(rowmill.ctx, user)));
}

export async function giveEmail({ db }: Rowmill["ctx"], { userId }: Client): Promise<string> {
  const email = `user-${userId}@example.com`;
  await db.update(users).set({ email, confirmedEmail: email }).where(eq(users.id, userId));
  return email;
}

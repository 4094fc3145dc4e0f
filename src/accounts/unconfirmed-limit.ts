import { createHash } from "node:crypto";
import type { Context } from "../context.ts";
import { countHourly } from "./hourly-limit.ts";

/** The mails that an address which nobody has confirmed gets per hour and purpose, from all accounts together. */
export const UNCONFIRMED_PER_HOUR = 5;

/** Counts one more mail. @returns the seconds until the next one is allowed; 0: this one is */
export function countUnconfirmed(
  ctx: Pick<Context, "pool">,
  purpose: "confirmation" | "reset",
  address: string,
): Promise<number> {
  // An address can be longer than the column of the key.
  const key = createHash("sha256").update(address.toLowerCase()).digest("base64url");
  return countHourly(ctx, { name: `unconfirmed-${purpose}`, key, perHour: UNCONFIRMED_PER_HOUR });
}

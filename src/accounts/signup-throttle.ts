import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { clientNetwork } from "../platform/http/client-network.ts";
import { countHourly } from "./hourly-limit.ts";

/**
 * Counts a signup.
 * @param address the IP address of the client
 * @throws DomainError `too_many_attempts`
 */
export async function countSignup(ctx: Context, address: string): Promise<void> {
  const { signupsPerHour: perHour } = ctx.config;
  const seconds = await countHourly(ctx, { name: "signup", key: clientNetwork(address), perHour });
  if (seconds === 0) return;
  throw new DomainError(
    "too_many_attempts",
    `Your address can create ${perHour} accounts per hour (SIGNUPS_PER_HOUR). Try again in ${Math.ceil(seconds / 60)} minute(s).`,
    { retryAfterSeconds: seconds },
  );
}

/** Slows down guessing without locking owners out. docs/decisions/0027 has the rules. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context } from "../context.ts";
import { DomainError } from "../errors.ts";
import { clientNetwork } from "../platform/http/client-network.ts";
import { KeyedLimit } from "../platform/process/keyed-limit.ts";
import { admit, type Counter, isKnown, type Outcome, settle } from "./login-counters.ts";

export interface Source {
  /** The id of the account; if there is no such account, the name in lower case. */
  readonly account: number | string;
  /** The IP address of the client. */
  readonly address: string;
  /** The id of a device that has logged in to the account before, or null. */
  readonly device: string | null;
}

const HOUR = 3600;
/** For one account from one device or address. */
const OF_SOURCE = {
  freeFailures: 10,
  firstDelaySeconds: 60,
  maxDelaySeconds: HOUR,
  forgetSeconds: 24 * HOUR,
  isOfSource: true,
};
/** For all unknown clients of an account or of an address. Short delays, because others share them. */
const SHARED = { freeFailures: 50, firstDelaySeconds: 1, maxDelaySeconds: 60, isOfSource: false };

/** Parallel attempts of one address in this process, and those that wait. */
const turns = new KeyedLimit(8, 200);
const POLL_MS = 50;
const MAX_WAIT_MS = 15_000;

/**
 * Verifies a password if the throttle admits the attempt, and counts a failure.
 * @param verify returns whether the password is right
 * @throws DomainError `too_many_attempts` if the attempt is refused
 */
export async function verifyThrottled(
  ctx: Context,
  source: Source,
  verify: () => Promise<boolean>,
): Promise<boolean> {
  const network = clientNetwork(source.address);
  return turns.run(network, tooBusy, async () => {
    const counters = await countersOf(ctx, { ...source, address: network });
    await waitForAdmission(ctx, counters);
    let outcome: Outcome = "unknown";
    try {
      const isRight = await verify();
      outcome = isRight ? "right" : "wrong";
      return isRight;
    } finally {
      await settle(ctx, counters, outcome);
    }
  });
}

/** A known device or address has a counter of its own, which other clients do not share. */
async function countersOf(ctx: Context, { account, address, device }: Source): Promise<Counter[]> {
  const name = typeof account === "number" ? `account:${account}` : `name:${hash(account)}`;
  if (device !== null)
    return [{ ...OF_SOURCE, key: `${name} device:${device}`, scope: "for this account from this device" }];
  const own: Counter = {
    ...OF_SOURCE,
    key: `${name} address:${address}`,
    scope: "for this account from your address",
  };
  if (await isKnown(ctx, own)) return [own];
  return [
    own,
    {
      ...SHARED,
      key: name,
      forgetSeconds: 24 * HOUR,
      scope: "for this account from devices and addresses that have not logged in to it before",
    },
    { ...SHARED, key: `address:${address}`, forgetSeconds: HOUR, scope: "from your address" },
  ];
}

async function waitForAdmission(ctx: Context, counters: readonly Counter[]): Promise<void> {
  const until = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const admission = await admit(ctx, counters);
    if (admission.kind === "admitted") return;
    if (admission.kind === "blocked") throw blocked(admission.counter, admission.seconds);
    if (performance.now() > until) throw tooBusy();
    await sleep(POLL_MS * (1 + Math.random()));
  }
}

function blocked({ scope, freeFailures }: Counter, seconds: number): DomainError {
  const whole = Math.ceil(seconds);
  const time = whole < 120 ? `${whole} second(s)` : `${Math.ceil(whole / 60)} minutes`;
  return new DomainError(
    "too_many_attempts",
    `At least ${freeFailures} logins failed ${scope}. Try again in ${time}.`,
    { retryAfterSeconds: seconds },
  );
}

function tooBusy(): DomainError {
  return new DomainError(
    "too_many_attempts",
    "Too many logins are running for this account or from your address. Try again in 5 seconds.",
    { retryAfterSeconds: 5 },
  );
}

/** A name can be long, and must not be readable in the table. */
function hash(name: string): string {
  return createHash("sha256").update(name).digest("base64url");
}

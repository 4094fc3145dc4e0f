import { randomBytes } from "node:crypto";
import { SECRET_PREFIX } from "../platform/http-client/sign.ts";
import type { Webhook } from "./queries.ts";

export function generateSecret(): string {
  return SECRET_PREFIX + randomBytes(32).toString("base64");
}

/** The current secret, and the previous one for some time after a rotation. */
export function secretsOf(webhook: Webhook, now: Date): string[] {
  const { secret, previousSecret, previousSecretUntil } = webhook;
  const isPreviousValid =
    previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > now;
  return isPreviousValid ? [secret, previousSecret] : [secret];
}

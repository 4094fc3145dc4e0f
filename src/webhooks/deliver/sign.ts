/** Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1. */
import { createHmac } from "node:crypto";
import type { Webhook } from "../queries.ts";
import { SECRET_PREFIX } from "../secrets.ts";

interface Signed {
  readonly id: string;
  /** In seconds. */
  readonly timestamp: number;
  readonly body: string;
}

/** Returns the value of `webhook-signature`: one signature per secret. */
export function sign(secrets: readonly string[], { id, timestamp, body }: Signed): string {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
    return `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`;
  });
  return signatures.join(" ");
}

/** The current secret, and the previous one for some time after a rotation. */
export function secretsOf(webhook: Webhook, now: Date): string[] {
  const { secret, previousSecret, previousSecretUntil } = webhook;
  const isPreviousValid =
    previousSecret !== null && previousSecretUntil !== null && previousSecretUntil > now;
  return isPreviousValid ? [secret, previousSecret] : [secret];
}

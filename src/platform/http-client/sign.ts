/** Signatures of Standard Webhooks (https://www.standardwebhooks.com), version 1. */
import { createHmac } from "node:crypto";

/** Secrets with this prefix are followed by the key in base64. Any other secret is the key itself. */
export const SECRET_PREFIX = "whsec_";

interface Signed {
  readonly id: string;
  /** In seconds. */
  readonly timestamp: number;
  readonly body: string | Buffer;
}

/** Returns the value of `webhook-signature`: one signature per secret. */
export function sign(secrets: readonly string[], { body, ...message }: Signed): string {
  const signatures = secrets.map((secret) => {
    const hmac = startSignature(secret, message);
    hmac.update(body);
    return hmac.end();
  });
  return signatures.join(" ");
}

/** For a body in parts: `update` takes them in their order. */
export function startSignature(secret: string, { id, timestamp }: Omit<Signed, "body">) {
  const hmac = createHmac("sha256", keyOf(secret)).update(`${id}.${timestamp}.`);
  return {
    update: (part: string | Buffer) => void hmac.update(part),
    end: () => `v1,${hmac.digest("base64")}`,
  };
}

function keyOf(secret: string): Buffer {
  if (!secret.startsWith(SECRET_PREFIX)) return Buffer.from(secret);
  return Buffer.from(secret.slice(SECRET_PREFIX.length), "base64");
}

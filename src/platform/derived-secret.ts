import { createHmac, hkdfSync } from "node:crypto";

/** Signs a text with a key that is derived from JWT_SECRET. Signatures of one purpose are worthless for any other. */
export function signatureOf(secret: string, purpose: string, text: string): string {
  const key = Buffer.from(hkdfSync("sha256", secret, "", `rowmill ${purpose}`, 32));
  return createHmac("sha256", key).update(text).digest("base64url");
}

import { signatureOf } from "../platform/derived-secret.ts";

/** The token of a password reset. It is derived from the id, so that no table and no outbox has a secret. */
export function resetToken(secret: string, resetId: string): string {
  return signatureOf(secret, "password reset", resetId);
}

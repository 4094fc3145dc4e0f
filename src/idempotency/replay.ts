/** The header Idempotency-Key for routes. */
import Type from "typebox";
import { DomainError } from "../errors.ts";
import type { StoredAnswer } from "./claim-key.ts";

export const IdempotencyHeaders = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "A unique name for this request. If you send the request again within a day, you get the first answer again " +
        "and nothing happens twice.",
      examples: ["5f0e0a0c-8a55-4b0e-9d3f-6d1c8c0f2b11"],
    }),
  ),
});

/** For a route's response headers. */
export const REPLAYED_HEADER = {
  "Idempotency-Replayed": {
    type: "string",
    description: "`true` if this answer belongs to an earlier request with the same Idempotency-Key.",
  },
};

/** @throws DomainError `key_reused` if the first request with the key was a different one */
export function requireSameRequest(first: StoredAnswer, fingerprint: Buffer): void {
  if (first.fingerprint.equals(fingerprint)) return;
  const message = "This Idempotency-Key was used for a different request. Send a new key with a new request.";
  throw new DomainError("key_reused", message);
}

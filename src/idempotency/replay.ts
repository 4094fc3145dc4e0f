/** How Idempotency-Key is read, checked and answered, the same for every route that takes it. */
import Type from "typebox";
import { DomainError } from "../errors.ts";
import type { StoredAnswer } from "./claim-key.ts";

export const IdempotencyHeaders = Type.Object({
  "idempotency-key": Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 255,
      description:
        "Names this request: sent again within a day it gets the first answer again, and nothing is done twice.",
    }),
  ),
});

/** For a route's response headers. */
export const REPLAYED_HEADER = {
  "Idempotency-Replayed": {
    description: "`true` where this is the answer to an earlier request of the same Idempotency-Key.",
    schema: { type: "string" },
  },
};

/** @throws DomainError `key_reused` where the key stood for another request */
export function requireSameRequest(first: StoredAnswer, fingerprint: Buffer): void {
  if (first.fingerprint.equals(fingerprint)) return;
  const message = "This Idempotency-Key was used for another request; choose a new one for a new request.";
  throw new DomainError("key_reused", message);
}

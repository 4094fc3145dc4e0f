import { createHash, hkdfSync } from "node:crypto";
import type { Config } from "../config/config.ts";
import { DomainError, Retryable } from "../errors.ts";

export interface SecretKey {
  /** Tells keys apart, and reveals nothing about them. */
  readonly id: string;
  readonly bytes: Buffer;
}

type Keys = Pick<Config, "secretKeys">;

const ID_LENGTH = 12;

function deriveKey(text: string): SecretKey {
  const derive = (purpose: string) => Buffer.from(hkdfSync("sha256", text, "", purpose, 32));
  const id = createHash("sha256").update(derive("rowmill secrets key id")).digest("hex").slice(0, ID_LENGTH);
  return { id, bytes: derive("rowmill secrets") };
}

/** @throws DomainError `conflict` that says what to set */
export function currentKey({ secretKeys }: Keys): SecretKey {
  if (secretKeys.current) return deriveKey(secretKeys.current);
  throw new DomainError(
    "conflict",
    "Secrets cannot be stored, because SECRETS_KEY is not set. Set it to the same value for every API and worker, and " +
      "restart them. Generate a value: openssl rand -base64 48",
  );
}

/** Returns the key with this id. @throws Retryable if this process does not have it: the operator can set it */
export function keyWithId({ secretKeys }: Keys, id: string, secretName: string): SecretKey {
  const { current, previous } = secretKeys;
  const known = [current, previous].filter((text) => text !== "").map(deriveKey);
  const key = known.find((one) => one.id === id);
  if (key) return key;
  throw unreadable(
    secretName,
    "SECRETS_KEY is not the key that it was encrypted with. Set that key as SECRETS_KEY or as SECRETS_KEY_PREVIOUS.",
  );
}

export function unreadable(name: string, reason: string, cause?: unknown): Retryable {
  return new Retryable("secret_unreadable", `The secret ${name} cannot be decrypted: ${reason}`, { cause });
}

/** AES-256-GCM. The hosts are authenticated too: nobody can change in the database where a value may go. */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { secrets } from "../schema/secrets.ts";
import { type SecretKey, unreadable } from "./keys.ts";

type StoredSecret = typeof secrets.$inferSelect;

/** These fields are authenticated and not encrypted. */
type Bound = Pick<StoredSecret, "name" | "hosts" | "isShared">;

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @returns the nonce, the tag and the ciphertext */
export function encrypt({ bytes }: SecretKey, bound: Bound, value: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, bytes, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(textOf(bound));
  const ciphertext = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]);
}

/** @throws Retryable if anything of it was changed */
export function decrypt({ bytes }: SecretKey, bound: Bound, encrypted: Buffer): string {
  const nonce = encrypted.subarray(0, NONCE_BYTES);
  const tag = encrypted.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, bytes, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(textOf(bound)).setAuthTag(tag);
    const ciphertext = encrypted.subarray(NONCE_BYTES + TAG_BYTES);
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]).toString("utf8");
  } catch (error) {
    throw unreadable(bound.name, "its row was changed in the database. Set it again.", error);
  }
}

function textOf({ name, hosts, isShared }: Bound): Buffer {
  return Buffer.from(JSON.stringify([name, hosts, isShared]));
}

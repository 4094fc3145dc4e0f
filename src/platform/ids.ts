/** UUIDs that PostgreSQL does not generate. */
import { createHash, randomFillSync } from "node:crypto";

const RANDOM_BYTES = 10;
/** Random bytes for many ids: a call per id takes longer than all else. */
const pool = Buffer.alloc(256 * RANDOM_BYTES);
let used = pool.length;

function nextRandom(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += RANDOM_BYTES;
  return pool.subarray(used - RANDOM_BYTES, used);
}

/** Returns a UUID that begins with the time, so that later ids sort after earlier ones (RFC 9562, version 7). */
export function uuidV7(now: Date): string {
  const time = now.getTime().toString(16).padStart(12, "0");
  const random = nextRandom();
  random[0] = 0x70 | (random.readUInt8(0) & 0x0f);
  random[2] = 0x80 | (random.readUInt8(2) & 0x3f);
  const hex = random.toString("hex");
  return [time.slice(0, 8), time.slice(8), hex.slice(0, 4), hex.slice(4, 8), hex.slice(8)].join("-");
}

/** Returns the smallest id that uuidV7 can return at this time. */
export function firstUuidV7(at: Date): string {
  const time = Math.max(0, at.getTime()).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

/** Returns the time with which an id of uuidV7 begins. */
export function timeOfUuidV7(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** Returns the same id for the same parts, so that a job cannot be added twice. A version 8 UUID over SHA-256. */
export function deterministicJobId(...parts: readonly (string | number)[]): string {
  const hash = createHash("sha256").update(parts.join("/")).digest();
  hash[6] = (hash.readUInt8(6) & 0x0f) | 0x80;
  hash[8] = (hash.readUInt8(8) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** UUIDs that begin with the time, so that those made later sort behind (RFC 9562, version 7). */
import { randomBytes } from "node:crypto";

export function uuidV7(now: Date): string {
  const time = now.getTime().toString(16).padStart(12, "0");
  const random = randomBytes(10);
  random[0] = 0x70 | (random.readUInt8(0) & 0x0f);
  random[2] = 0x80 | (random.readUInt8(2) & 0x3f);
  const hex = random.toString("hex");
  return [time.slice(0, 8), time.slice(8), hex.slice(0, 4), hex.slice(4, 8), hex.slice(8)].join("-");
}

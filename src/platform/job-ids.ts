import { createHash } from "node:crypto";

/** The same parts always give the same id, so that a job can't be enqueued twice. UUID version 8 over SHA-256. */
export function deterministicJobId(...parts: readonly (string | number)[]): string {
  const hash = createHash("sha256").update(parts.join("/")).digest();
  hash[6] = (hash.readUInt8(6) & 0x0f) | 0x80;
  hash[8] = (hash.readUInt8(8) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    "-",
  );
}

/** Unpacks a CSV file that is compressed with gzip while it arrives. */
import { inflate } from "#csv/inflate";
import { peek } from "./peek.ts";

/**
 * Yields the content of a gzip file, and any other file unchanged.
 * @param maxBytes the limit of the content (UPLOAD_MAX_BYTES)
 * @throws DomainError `too_large`, or `invalid_input` if the gzip file is damaged
 */
export async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const { start, whole } = await peek(source, 3);
  const isGzip = start[0] === 0x1f && start[1] === 0x8b && start[2] === 0x08;
  yield* isGzip ? inflate(whole, "gzip", { maxBytes, maxBytesName: "UPLOAD_MAX_BYTES" }) : whole;
}

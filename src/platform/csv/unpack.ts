/** Unpacks a CSV file that is compressed with gzip while it arrives. */
import { joinBytes } from "#csv/bytes";
import { inflate } from "#csv/inflate";

/**
 * Yields the content of a gzip file, and any other file unchanged.
 * @param maxBytes the limit of the content (UPLOAD_MAX_BYTES)
 * @throws DomainError `too_large`, or `invalid_input` if the gzip file is damaged
 */
export async function* unpacked(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array();
  while (start.length < 3) {
    const { value, done } = await pieces.next();
    if (done) break;
    start = joinBytes([start, value]);
  }
  const whole = (async function* () {
    try {
      if (start.length > 0) yield start;
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
    } finally {
      await pieces.return?.();
    }
  })();
  const isGzip = start[0] === 0x1f && start[1] === 0x8b && start[2] === 0x08;
  yield* isGzip ? inflate(whole, "gzip", { maxBytes, maxBytesName: "UPLOAD_MAX_BYTES" }) : whole;
}

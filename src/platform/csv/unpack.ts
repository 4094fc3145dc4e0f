/** Unpacks a CSV file that is compressed with gzip while it arrives. */
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { DomainError, invalidField } from "../../errors.ts";

/** Text that compresses better than this is not data. Up to FREE_BYTES, any ratio is allowed. */
const MAX_RATIO = 200;
const FREE_BYTES = 16 * 2 ** 20;
const OUTPUT_BYTES = 65_536;

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
  let start = Buffer.alloc(0);
  while (start.length < 3) {
    const { value, done } = await pieces.next();
    if (done) break;
    start = Buffer.concat([start, value]);
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
  yield* isGzip ? gunzipped(whole, maxBytes) : whole;
}

async function* gunzipped(source: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Buffer> {
  const bytes = { in: 0, out: 0 };
  const counted = (async function* () {
    for await (const piece of source) {
      bytes.in += piece.length;
      yield piece;
    }
  })();
  const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
  // An error reaches the reader of `gunzip`.
  pipeline(Readable.from(counted), gunzip, () => {});
  try {
    for await (const piece of gunzip as AsyncIterable<Buffer>) {
      bytes.out += piece.length;
      if (bytes.out > maxBytes) throw tooLarge(`larger than ${maxBytes} bytes (UPLOAD_MAX_BYTES)`);
      if (bytes.out > FREE_BYTES && bytes.out > bytes.in * MAX_RATIO)
        throw tooLarge(`more than ${MAX_RATIO} times as large as the gzip file`);
      yield piece;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw invalidField("file", "is a damaged gzip file. Pack it again, or send it unpacked.", error);
  } finally {
    gunzip.destroy();
  }
}

function tooLarge(what: string): DomainError {
  return new DomainError(
    "too_large",
    `The content of the gzip file is ${what}. Split it into smaller files.`,
  );
}

/** Errors of zlib: invalid data, a wrong checksum, or an early end. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^Z_(DATA|BUF)_ERROR$/.test(String(error.code));
}

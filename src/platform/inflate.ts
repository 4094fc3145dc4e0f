/** Decompresses streams within limits. */
import { pipeline, Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { DomainError, invalidField } from "../errors.ts";

const OUTPUT = { chunkSize: 65_536 };

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip(OUTPUT),
  "x-gzip": () => createGunzip(OUTPUT),
  deflate: () => createInflate(OUTPUT),
  br: () => createBrotliDecompress(OUTPUT),
};

/** The names of content codings (RFC 9110, 8.4.1) that `inflate` knows. */
export const CODINGS: readonly string[] = Object.keys(DECODERS);

/** Data does not compress better than this. Up to FREE_BYTES, any ratio is allowed. */
const MAX_RATIO = 200;
const FREE_BYTES = 16 * 2 ** 20;

/**
 * Yields the content of a compressed file.
 * @param coding one of CODINGS
 * @param maxBytes the limit of the content, which `maxBytesName` sets
 * @throws DomainError `too_large`, or `invalid_input` if the data is damaged
 */
export async function* inflate(
  source: AsyncIterable<Uint8Array>,
  coding: string,
  { maxBytes, maxBytesName }: { readonly maxBytes: number; readonly maxBytesName: string },
): AsyncGenerator<Buffer> {
  const bytes = { in: 0, out: 0 };
  const counted = (async function* () {
    for await (const piece of source) {
      bytes.in += piece.length;
      yield piece;
    }
  })();
  const decoder = DECODERS[coding]?.();
  if (!decoder) throw new Error(`Unknown content coding ${coding}.`);
  // An error of the source reaches the reader of the decoder.
  pipeline(Readable.from(counted), decoder, () => {});
  try {
    for await (const piece of decoder as AsyncIterable<Buffer>) {
      bytes.out += piece.length;
      if (bytes.out > maxBytes) throw tooLarge(`larger than ${maxBytes} bytes (${maxBytesName})`);
      if (bytes.out > FREE_BYTES && bytes.out > bytes.in * MAX_RATIO)
        throw tooLarge(`more than ${MAX_RATIO} times as large as what was sent`);
      yield piece;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    const name = coding === "br" ? "Brotli" : coding.replace("x-", "");
    throw invalidField("file", `is damaged ${name} data. Compress it again, or send it uncompressed.`, error);
  } finally {
    decoder.destroy();
  }
}

function tooLarge(what: string): DomainError {
  return new DomainError(
    "too_large",
    `The content of the compressed file is ${what}. Split it into smaller files.`,
  );
}

/** Errors of zlib and Brotli: invalid data, a wrong checksum, or an early end. */
function isDamage(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(Z_|ERR_BROTLI|ERR__ERROR)/.test(String(error.code));
}

import { joinBytes } from "#csv/bytes";

/**
 * Reads the first bytes of a file, at least `length` unless it is shorter. `whole` has them too. Call `close` if you do not
 * read it.
 */
export async function peek(
  source: AsyncIterable<Uint8Array>,
  length: number,
): Promise<{ start: Uint8Array; whole: AsyncGenerator<Uint8Array>; close: () => Promise<void> }> {
  const pieces = source[Symbol.asyncIterator]();
  let start: Uint8Array = new Uint8Array();
  while (start.length < length) {
    const { value, done } = await pieces.next();
    if (done) break;
    start = joinBytes([start, value]);
  }
  const close = async () => {
    await pieces.return?.();
  };
  async function* whole() {
    try {
      if (start.length > 0) yield start;
      for (let next = await pieces.next(); !next.done; next = await pieces.next()) yield next.value;
    } finally {
      await close();
    }
  }
  return { start, whole: whole(), close };
}

/** Decompresses a gzip file, as `../../inflate.ts` does on the server. */
import { DomainError, invalidField } from "../../../errors.ts";

export async function* inflate(
  source: AsyncIterable<Uint8Array>,
  _coding: "gzip",
  { maxBytes, maxBytesName }: { readonly maxBytes: number; readonly maxBytesName: string },
): AsyncGenerator<Uint8Array> {
  const pieces = source[Symbol.asyncIterator]();
  const compressed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(new Uint8Array(value));
    },
    async cancel() {
      await pieces.return?.();
    },
  });
  const reader = compressed.pipeThrough(new DecompressionStream("gzip")).getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      bytes += value.length;
      if (bytes > maxBytes)
        throw new DomainError("too_large", `The content is larger than ${maxBytes} bytes (${maxBytesName}).`);
      yield value;
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalidField("file", "is damaged gzip data. Compress it again, or send it uncompressed.", error);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

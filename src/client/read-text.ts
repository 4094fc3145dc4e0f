/** Far above the longest JSON of a server. */
const MAX_TEXT_BYTES = 64 * 2 ** 20;

/** Reads the text of an answer. @returns null if it is longer than 64 MiB */
export async function readText({ body }: Response): Promise<string | null> {
  const reader = body?.getReader();
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let bytes = 0;
  for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
    bytes += read.value.byteLength;
    if (bytes > MAX_TEXT_BYTES) {
      await reader?.cancel();
      return null;
    }
    parts.push(decoder.decode(read.value, { stream: true }));
  }
  return parts.join("") + decoder.decode();
}

/** Names of columns that are easy to write in SQL, from the header of a file. */

/** The greatest length of a name in PostgreSQL. */
const MAX_NAME_BYTES = 63;

const encoder = new TextEncoder();

/** Returns one name per header, each different. Letters of all alphabets stay. */
export function identifiersOf(headers: readonly string[]): string[] {
  const taken = new Set<string>();
  return headers.map((header, at) => {
    const name = identifierOf(header) || `column_${at + 1}`;
    let free = name;
    for (let count = 2; taken.has(free); count++) free = `${cut(name, MAX_NAME_BYTES - 6)}_${count}`;
    taken.add(free);
    return free;
  });
}

function identifierOf(header: string): string {
  const words = header
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .replaceAll("ß", "ss")
    .normalize("NFC")
    .replace(/(\p{Ll}|\p{N})(\p{Lu})/gu, "$1_$2")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "_")
    .replace(/^_+|_+$/g, "");
  const name = /^\p{N}/u.test(words) ? `c_${words}` : words;
  return cut(name, MAX_NAME_BYTES);
}

function cut(name: string, bytes: number): string {
  let short = name;
  while (encoder.encode(short).length > bytes) short = [...short].slice(0, -1).join("");
  return short;
}

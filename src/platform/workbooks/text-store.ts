/** Keeps millions of texts in memory as UTF-8, outside the heap of JavaScript. */
import { joinBytes } from "#csv/bytes";
import { tooLarge } from "./refusals.ts";

const PAGE_BYTES = 2 ** 20;
const OFFSETS_PER_PAGE = 65_536;
const OFFSET_BYTES = 4;
/** Short texts at the beginning, which columns with few different values repeat, are kept as they are. */
const KEPT_TEXTS = 4096;
const KEPT_CHARS = 100;

export class TextStore {
  readonly #maxBytes: number;
  readonly #pages: Uint8Array[] = [];
  readonly #ends: Uint32Array[] = [];
  readonly #kept: (string | undefined)[] = [];
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #bytes = 0;
  count = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws DomainError `too_large` */
  add(text: string): void {
    const bytes = this.#encoder.encode(text);
    if (this.#bytes + bytes.length + (this.count + 1) * OFFSET_BYTES > this.#maxBytes)
      throw tooLarge(
        `has more than ${this.#maxBytes} bytes of different texts, which must be kept in memory`,
        "Save the sheet as CSV (UTF-8), which has no such limit.",
      );
    for (let done = 0; done < bytes.length; ) {
      const at = this.#bytes % PAGE_BYTES;
      if (at === 0) this.#pages.push(new Uint8Array(PAGE_BYTES));
      const piece = bytes.subarray(done, done + PAGE_BYTES - at);
      this.#pages.at(-1)?.set(piece, at);
      done += piece.length;
      this.#bytes += piece.length;
    }
    const slot = this.count % OFFSETS_PER_PAGE;
    if (slot === 0) this.#ends.push(new Uint32Array(OFFSETS_PER_PAGE));
    const ends = this.#ends.at(-1);
    if (ends) ends[slot] = this.#bytes;
    if (this.count < KEPT_TEXTS && text.length <= KEPT_CHARS) this.#kept[this.count] = text;
    this.count++;
  }

  get(index: number): string {
    const kept = this.#kept[index];
    if (kept !== undefined) return kept;
    const end = this.#endOf(index);
    const pieces: Uint8Array[] = [];
    for (let at = index === 0 ? 0 : this.#endOf(index - 1); at < end; ) {
      const from = at % PAGE_BYTES;
      const piece =
        this.#pages[(at - from) / PAGE_BYTES]?.subarray(from, from + end - at) ?? new Uint8Array();
      pieces.push(piece);
      at += Math.min(end - at, PAGE_BYTES - from);
    }
    return this.#decoder.decode(pieces.length === 1 ? pieces[0] : joinBytes(pieces));
  }

  #endOf(index: number): number {
    return this.#ends[Math.floor(index / OFFSETS_PER_PAGE)]?.[index % OFFSETS_PER_PAGE] ?? 0;
  }
}

/** Collects the text of a cell: of all its runs, without the phonetic hints above them. */
import { countBytes } from "#csv/bytes";

export class TextCollector {
  readonly #maxBytes: number;
  #text = "";
  #isOpen = false;
  #phonetic = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  start(): void {
    this.#text = "";
    this.#phonetic = 0;
    this.#isOpen = false;
  }

  open(name: string): void {
    if (name === "rPh") this.#phonetic++;
    else if (name === "t") this.#isOpen = this.#phonetic === 0;
  }

  text(text: string): void {
    // One more is enough to see that it is too long.
    if (this.#isOpen && this.#text.length <= this.#maxBytes) this.#text += text;
  }

  close(name: string): void {
    if (name === "rPh") this.#phonetic--;
    else if (name === "t") this.#isOpen = false;
  }

  get isTooLong(): boolean {
    const { length } = this.#text;
    return length * 3 > this.#maxBytes && countBytes(this.#text) > this.#maxBytes;
  }

  end(): string {
    return unescaped(this.#text);
  }
}

/** Replaces `_x000D_` by the character with this number, as ECMA-376 says (ST_Xstring). */
export function unescaped(text: string): string {
  if (!text.includes("_x")) return text;
  return text
    .replace(/_x([0-9A-Fa-f]{4})_/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    .toWellFormed();
}

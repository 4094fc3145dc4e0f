/** Counts words, lines and characters of a text that comes in pieces, in whatever language it is. */

/** A word may be cut at the end of a piece: what comes behind its last blank waits for the next one, up to this length. */
const MAX_WORD_CHARS = 10_000;
/** What ends a word in any language; some put no blanks between theirs. */
const LAST_BLANK = /[\s。，、！？；：](?=[^\s。，、！？；：]*$)/;

export class TextCounts {
  words = 0;
  /** Code points. */
  characters = 0;
  #lineEnds = 0;
  /** The text's last character so far. */
  #last = "";
  #rest = "";
  // Unicode's rules for words, with dictionaries for Chinese, Japanese, Thai, Khmer, Lao and Burmese: 5 to 25 million
  // characters a second here.
  readonly #segmenter = new Intl.Segmenter("und", { granularity: "word" });

  /** The last line counts whether or not a line end closes it. */
  get lines(): number {
    return this.#lineEnds + (this.#last === "" || this.#last === "\n" || this.#last === "\r" ? 0 : 1);
  }

  add(piece: string): void {
    if (piece === "") return;
    this.#countCharacters(piece);
    const text = this.#rest + piece;
    const tail = text.slice(-MAX_WORD_CHARS);
    const blank = LAST_BLANK.exec(tail);
    const end = blank ? text.length - tail.length + blank.index + 1 : text.length;
    this.#countWords(text.slice(0, end));
    this.#rest = text.slice(end);
  }

  /** Call it behind the last piece. */
  end(): void {
    this.#countWords(this.#rest);
    this.#rest = "";
  }

  #countCharacters(piece: string): void {
    let previous = this.#last;
    let low = 0;
    let ends = 0;
    for (let at = 0; at < piece.length; at++) {
      const code = piece.charCodeAt(at);
      // CRLF is one line end.
      if (code === 13 || (code === 10 && (at === 0 ? previous !== "\r" : piece.charCodeAt(at - 1) !== 13)))
        ends++;
      else if (code >= 0xdc00 && code <= 0xdfff) low++;
    }
    previous = piece.at(-1) ?? previous;
    this.#last = previous;
    this.#lineEnds += ends;
    // The second half of a pair; decoded text has no half ones.
    this.characters += piece.length - low;
  }

  #countWords(text: string): void {
    for (const { isWordLike } of this.#segmenter.segment(text)) if (isWordLike) this.words++;
  }
}

/** Counts elements of Markdown line by line. Knows the common forms, not all of CommonMark. */

export interface MarkdownCounts {
  headings: number;
  links: number;
  images: number;
  code_blocks: number;
}

/** The rest of a longer line is ignored. */
const MAX_LINE_CHARS = 10_000;

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}#{1,6}(?:[ \t]|$)/;
/** Turns the line of text above it into a heading. */
const UNDERLINE = /^ {0,3}(?:=+|-+)[ \t]*$/;
/** Lines that an underline does not turn into a heading. */
const NO_TEXT = /^(?:\s*$| {4}|\t| {0,3}(?:[#>|]|[-*+][ \t]|\d{1,9}[.)][ \t]))/;
const CODE_SPAN = /`[^`]+`/g;
/** `[text](url)` and `[text][name]`; with a `!` before it, a picture. */
const LINK = /(!?)\[[^[\]]*\](?:\([^()\s]{0,2000}(?:\s[^()]{0,500})?\)|\[[^[\]]{0,500}\])/g;
const AUTOLINK = /<(?:https?:\/\/|mailto:)[^<>\s]{1,2000}>/gi;

export class MarkdownScan {
  readonly counts: MarkdownCounts = { headings: 0, links: 0, images: 0, code_blocks: 0 };
  #rest = "";
  #fence: string | null = null;
  #isUnderText = false;
  /** Settings before the text, between two lines of three hyphens. */
  #frontMatter: "possible" | "open" | "none" = "possible";

  add(piece: string): void {
    const lines = (this.#rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#scan(line);
    // Bounds the memory for a very long line.
    if (this.#rest.length > 2 * MAX_LINE_CHARS) this.#rest = this.#rest.slice(0, MAX_LINE_CHARS);
  }

  end(): void {
    this.#scan(this.#rest.replace(/\r$/, ""));
    this.#rest = "";
  }

  #scan(whole: string): void {
    const line = whole.slice(0, MAX_LINE_CHARS);
    const isRule = /^---\s*$/.test(line);
    if (this.#frontMatter !== "none") {
      const continues = this.#frontMatter === "open" ? !isRule : isRule;
      const isInside = continues || this.#frontMatter === "open";
      this.#frontMatter = continues ? "open" : "none";
      if (isInside) return;
    }
    const fence = FENCE.exec(line)?.[1];
    if (this.#fence !== null) {
      const closes = fence?.startsWith(this.#fence) && /^[`~\s]*$/.test(line);
      if (closes) this.#fence = null;
      return;
    }
    const wasUnderText = this.#isUnderText;
    this.#isUnderText = false;
    if (fence) {
      this.counts.code_blocks++;
      this.#fence = fence;
    } else if (HEADING.test(line) || (wasUnderText && UNDERLINE.test(line))) {
      this.counts.headings++;
      this.#countLinks(line);
    } else {
      this.#isUnderText = !NO_TEXT.test(line);
      this.#countLinks(line);
    }
  }

  #countLinks(line: string): void {
    const text = line.replace(CODE_SPAN, "");
    for (const [, mark] of text.matchAll(LINK)) {
      if (mark) this.counts.images++;
      else this.counts.links++;
    }
    this.counts.links += text.match(AUTOLINK)?.length ?? 0;
  }
}

/** Reads a text from the left, character by character. One scanner reads many texts. */
export class TextScanner {
  text = "";
  at = 0;

  start(text: string): void {
    this.text = text;
    this.at = 0;
  }

  get isAtEnd(): boolean {
    return this.at === this.text.length;
  }

  /** Takes `least` to `most` digits. Returns -1, and takes none, if there are fewer. */
  takeNumber(least: number, most: number): number {
    let number = 0;
    let count = 0;
    for (; count < most; count++) {
      const digit = this.text.charCodeAt(this.at + count) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      number = number * 10 + digit;
    }
    if (count < least) return -1;
    this.at += count;
    return number;
  }

  /** Takes as many digits as there are. */
  takeDigits(): string {
    const start = this.at;
    while (isDigit(this.text.charCodeAt(this.at))) this.at++;
    return this.text.slice(start, this.at);
  }

  takeText(expected: string): boolean {
    if (!this.text.startsWith(expected, this.at)) return false;
    this.at += expected.length;
    return true;
  }

  takeCode(code: number): boolean {
    if (this.text.charCodeAt(this.at) !== code) return false;
    this.at++;
    return true;
  }

  /** Takes a word in any case. Returns its position in `words`, or -1. Of two words, the longer one wins. */
  takeWord(words: readonly string[]): number {
    let found = -1;
    for (const [index, word] of words.entries()) {
      if (found !== -1 && word.length <= (words[found]?.length ?? 0)) continue;
      if (this.text.slice(this.at, this.at + word.length).toLowerCase() === word) found = index;
    }
    this.at += words[found]?.length ?? 0;
    return found;
  }

  /** Takes `Z`, `+02`, `+0200`, `+02:00`. Returns seconds east of UTC, or null. */
  takeOffset(): number | null {
    if (this.takeCode(0x5a) || this.takeCode(0x7a)) return 0;
    const start = this.at;
    const sign = this.takeCode(0x2b) ? 1 : this.takeCode(0x2d) || this.takeCode(0x2212) ? -1 : 0;
    const hours = sign === 0 ? -1 : this.takeNumber(2, 2);
    const hasColon = this.takeCode(0x3a);
    const minutes = this.takeNumber(2, 2);
    // PostgreSQL has offsets below 16 hours.
    if (hours === -1 || hours > 15 || minutes > 59 || (hasColon && minutes === -1)) {
      this.at = start;
      return null;
    }
    return sign * (hours * 3600 + Math.max(minutes, 0) * 60);
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

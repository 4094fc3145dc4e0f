/** Recognizes what the cells of a CSV file hold, as far as guesses about the file need it. */

/** Longer cells are text. */
const MAX_CHARS = 200;

const NUMBER = /^[-+]?[$€£¥]?\s?(?:\d{1,3}(?:[,. ']\d{3})+|\d+)?(?:[.,]\d*)?(?:[eE][-+]?\d+)?\s?[%€$£¥]?$/;
const DATE = /^\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?:[T ]\d{1,2}:\d{2}.*)?$/;
const TIME = /^\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?: ?[AaPp][Mm])?Z?$/;
const ADDRESS =
  /^(?:[a-z][a-z+]*:\/\/\S+|[^\s@,;|]+@[^\s@,;|]+\.[a-z]+|\d{1,3}(?:\.\d{1,3}){3}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/i;
/** The words that files write for a missing value. */
const MISSING = /^(?:-+|\.+|\?|#?n\/?a|nan|null|none|nil|\\n|missing|unknown|#n\/a)$/i;

export type Kind = "number" | "date" | "time" | "address" | "text";

/** @param text a trimmed cell */
export function kindOf(text: string): Kind {
  if (text.length > MAX_CHARS) return "text";
  if (isNumber(text)) return "number";
  if (DATE.test(text)) return "date";
  if (TIME.test(text)) return "time";
  return ADDRESS.test(text) ? "address" : "text";
}

export function isNumber(text: string): boolean {
  return text.length <= MAX_CHARS && /\d/.test(text) && NUMBER.test(text);
}

/** Whether a cell says that it has no value. */
export function isMissing(text: string): boolean {
  return MISSING.test(text);
}

/** Whether a cell is empty or has only blanks, NUL and Ctrl-Z, which some programs put at the end of a file. */
export function isBlank(cell: string): boolean {
  for (let at = 0; at < cell.length; at++) {
    const code = cell.charCodeAt(at);
    if (code !== 32 && code !== 9 && code !== 0 && code !== 26 && code !== 0xa0) return false;
  }
  return true;
}

const OPENERS = "([{";
const CLOSERS = ")]}";

/** How much a cell reads as one value: 1 as one, less as a list, 0 as several cells of another delimiter. */
export function plainness(cell: string): number {
  const text = cell.trim();
  if (/^[,;|#^~]$/.test(text)) return 0;
  // A quote that opens inside a cell shows that the cell begins elsewhere.
  if (/""|\s["']\S/.test(text)) return 0;
  if (/[,;|](?! )|\t/.test(text) && !/^[-+]?[\d.' ]*\d(,\d+)+$/.test(text)) return isList(text) ? LIST : 0;
  const opener = OPENERS.indexOf(text[0] ?? " ");
  if (opener !== -1 && !text.includes(CLOSERS[opener] ?? "")) return 0;
  const closer = CLOSERS.indexOf(text.at(-1) ?? " ");
  return closer === -1 || text.includes(OPENERS[closer] ?? "") ? 1 : 0;
}

const LIST = 0.75;

/** Whether a text is a list of three or more items of one kind, with one delimiter between them. */
function isList(text: string): boolean {
  const delimiters = new Set(text.match(/[,;|\t]/g));
  const items = text.split([...delimiters][0] ?? "");
  const [kind] = items.map(kindOf);
  return delimiters.size === 1 && items.length > 2 && items.every((item) => kindOf(item) === kind);
}

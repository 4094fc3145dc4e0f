/** Parses SQL expressions as PostgreSQL prints them (`pg_get_expr`), as far as simple conditions need it. */

export type Expression =
  | { readonly kind: "column"; readonly name: string }
  | { readonly kind: "constant"; readonly value: string }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[] }
  | {
      readonly kind: "operation";
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: "null_test"; readonly operand: Expression; readonly isNull: boolean }
  | { readonly kind: "all" | "any"; readonly parts: readonly Expression[] };

interface Token {
  readonly kind: "word" | "quoted" | "string" | "number" | "symbol";
  readonly text: string;
}

const TOKEN =
  /\s*(?:(?<word>[a-z_][\w$]*)|"(?<quoted>(?:[^"]|"")+)"|'(?<string>(?:[^']|'')*)'|(?<number>\d+(?:\.\d+)?)|(?<symbol>::|[()[\],.]|[-+*/<>=~!@#%^&|`?]+))/iy;

/** Returns null if the text has more than this parser knows. */
export function parseExpression(text: string): Expression | null {
  const tokens = tokensOf(text);
  if (!tokens) return null;
  const parser = new Parser(tokens);
  try {
    const parsed = parser.anyOf();
    return parser.isAtEnd ? parsed : null;
  } catch (error) {
    if (error instanceof Unknown) return null;
    throw error;
  }
}

class Unknown extends Error {}

function tokensOf(text: string): Token[] | null {
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  const end = text.trimEnd().length;
  while (pattern.lastIndex < end) {
    const groups = pattern.exec(text)?.groups;
    if (!groups) return null;
    const { word, quoted, string, number, symbol } = groups;
    if (word !== undefined) tokens.push({ kind: "word", text: word });
    else if (quoted !== undefined) tokens.push({ kind: "quoted", text: quoted.replaceAll('""', '"') });
    else if (string !== undefined) tokens.push({ kind: "string", text: string.replaceAll("''", "'") });
    else
      tokens.push(
        number === undefined ? { kind: "symbol", text: symbol ?? "" } : { kind: "number", text: number },
      );
  }
  return tokens;
}

/** The words that follow the first one in names of types. */
const TYPE_WORDS = /^(varying|precision|with|without|time|zone)$/i;
const KEEPING_TYPES = new Set(["text", "character varying", "numeric", "double precision", "bigint"]);
const COMPARISONS = new Set(["<", "<=", "=", "<>", ">=", ">", "~"]);
/** A constraint that is deeper is no simple condition. */
const MAX_DEPTH = 100;

class Parser {
  readonly #tokens: readonly Token[];
  #position = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#tokens.length;
  }

  anyOf(): Expression {
    if (++this.#depth > MAX_DEPTH) throw new Unknown();
    const parts = [this.#allOf()];
    while (this.#takeWord("OR")) parts.push(this.#allOf());
    this.#depth--;
    return joined("any", parts);
  }

  #allOf(): Expression {
    const parts = [this.#comparison()];
    while (this.#takeWord("AND")) parts.push(this.#comparison());
    return joined("all", parts);
  }

  #comparison(): Expression {
    const left = this.#operand();
    if (this.#takeWord("IS")) {
      const isNull = !this.#takeWord("NOT");
      if (!this.#takeWord("NULL")) throw new Unknown();
      return { kind: "null_test", operand: left, isNull };
    }
    const operator = this.#peek();
    if (operator?.kind !== "symbol" || !COMPARISONS.has(operator.text)) return left;
    this.#position++;
    return { kind: "operation", operator: operator.text, left, right: this.#operand() };
  }

  /** Casts are left out. Those of a column must keep its value. */
  #operand(): Expression {
    const operand = this.#primary();
    while (this.#takeSymbol("::")) {
      const start = this.#position;
      this.#skipType();
      const type = this.#tokens.slice(start, this.#position).map(({ text }) => text);
      if (operand.kind === "column" && !KEEPING_TYPES.has(type.join(" "))) throw new Unknown();
    }
    return operand;
  }

  #primary(): Expression {
    const token = this.#next();
    if (token.kind === "string" || token.kind === "number") return { kind: "constant", value: token.text };
    if (token.kind === "quoted") return { kind: "column", name: token.text };
    if (token.kind === "symbol") {
      if (token.text !== "(") throw new Unknown();
      const inner = this.anyOf();
      this.#expect(")");
      return inner;
    }
    return this.#named(token.text);
  }

  #named(word: string): Expression {
    const upper = word.toUpperCase();
    if (upper === "CURRENT_DATE") return { kind: "constant", value: upper };
    if (/^(NOT|CASE|NULL|ROW|SELECT)$/.test(upper)) throw new Unknown();
    if (upper === "ARRAY" && this.#takeSymbol("[")) return { kind: "list", items: this.#items("]") };
    if (this.#takeSymbol("(")) return { kind: "call", name: word.toLowerCase(), args: this.#items(")") };
    return { kind: "column", name: word };
  }

  #items(end: string): Expression[] {
    const items: Expression[] = [];
    if (this.#takeSymbol(end)) return items;
    do items.push(this.anyOf());
    while (this.#takeSymbol(","));
    this.#expect(end);
    return items;
  }

  #skipType(): void {
    this.#skipName();
    while (this.#takeSymbol(".")) this.#skipName();
    while (this.#peek()?.kind === "word" && TYPE_WORDS.test(this.#peek()?.text ?? "")) this.#position++;
    if (this.#takeSymbol("(")) this.#items(")");
    while (this.#takeSymbol("[")) this.#expect("]");
  }

  #skipName(): void {
    const { kind } = this.#next();
    if (kind !== "word" && kind !== "quoted") throw new Unknown();
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#position];
  }

  #next(): Token {
    const token = this.#tokens[this.#position++];
    if (!token) throw new Unknown();
    return token;
  }

  #takeWord(word: string): boolean {
    const token = this.#peek();
    const isWord = token?.kind === "word" && token.text.toUpperCase() === word;
    if (isWord) this.#position++;
    return isWord;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    const isSymbol = token?.kind === "symbol" && token.text === symbol;
    if (isSymbol) this.#position++;
    return isSymbol;
  }

  #expect(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw new Unknown();
  }
}

function joined(kind: "all" | "any", parts: readonly Expression[]): Expression {
  const [first] = parts;
  return first && parts.length === 1 ? first : { kind, parts };
}

/** Reads JSON that `jsonb` accepts as well: it has no NUL, no half of a surrogate pair, and limits for numbers and depth. */
import type { ColumnDefinition } from "../definition/column.ts";
import { Problem, type Reader } from "./problem.ts";
import { lengthCheck } from "./read-text.ts";

const MAX_DEPTH = 200;
/** `numeric` has no more digits before the decimals. */
const MAX_EXPONENT = 1000;

export function jsonReader(column: Pick<ColumnDefinition, "max_length">): Reader {
  const check = lengthCheck(column);
  return (text) => {
    const reason = jsonProblem(text);
    if (reason) return new Problem("invalid_json", `is not valid JSON: ${reason}`);
    return check?.(text) ?? text;
  };
}

function jsonProblem(text: string): string | null {
  if (depthOf(text) > MAX_DEPTH) return `it has more than ${MAX_DEPTH} levels`;
  try {
    // Only these texts can have what `jsonb` refuses.
    if (!/\\u|\d[eE]/.test(text)) {
      JSON.parse(text);
      return null;
    }
    return refusedByJsonb(text);
  } catch (error) {
    return error instanceof SyntaxError ? shortReason(error) : "it cannot be read";
  }
}

function refusedByJsonb(text: string): string | null {
  let reason: string | null = null;
  const check = (value: string) => {
    if (value.includes("\0")) reason ??= "it has the character \\u0000, which cannot be stored";
    if (!value.isWellFormed()) reason ??= "it has half of a character (a surrogate without the other one)";
  };
  JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
    check(key);
    if (typeof value === "string") check(value);
    if (typeof value === "number") {
      const exponent = Math.abs(Number(/e([+-]?\d+)$/i.exec(context?.source ?? "")?.[1] ?? 0));
      if (exponent > MAX_EXPONENT) reason ??= `its exponents are not below ${MAX_EXPONENT}`;
    }
    return value;
  });
  return reason;
}

/** The reason of V8 without the text, which the message has already. */
function shortReason({ message }: SyntaxError): string {
  const position = /at position \d+/.exec(message)?.[0];
  if (/property name/.test(message)) return `a name needs double quotes${position ? ` ${position}` : ""}`;
  if (/^(Unexpected end|Unterminated)/.test(message)) return "it ends too early";
  const token = /^Unexpected token '(.)'/su.exec(message)?.[1];
  if (token !== undefined) return `"${token}" is out of place${position ? ` ${position}` : ""}`;
  return position ? `it is wrong ${position}` : "keys and texts need double quotes";
}

function depthOf(text: string): number {
  if (text.length <= MAX_DEPTH) return 0;
  let depth = 0;
  let deepest = 0;
  let isInText = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isInText) {
      if (code === 0x5c) at++;
      else if (code === 0x22) isInText = false;
    } else if (code === 0x22) isInText = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}

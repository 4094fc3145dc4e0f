/**
 * The regular expressions of definitions. RE2 takes time in proportion to the cell, whatever the expression: JavaScript's
 * own engine can take years for 40 characters.
 */
import { RE2JS, RE2JSException } from "re2js";

/** Longer cells of a column with a pattern are refused. */
export const MAX_PATTERN_CELL = 10_000;
/** The time per character grows with the instructions: a cell of 10,000 characters takes 0.25 s at most. */
const MAX_INSTRUCTIONS = 1000;

export interface CompiledPattern {
  test(text: string): boolean;
}

/** @returns a message if the expression cannot be used */
export function compilePattern(pattern: string): CompiledPattern | string {
  try {
    const compiled = RE2JS.compile(RE2JS.translateRegExp(pattern));
    if (compiled.programSize() <= MAX_INSTRUCTIONS) return compiled;
    return "is too large: numbers in braces repeat their part. Use smaller numbers.";
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const reason = error.message.replace(/^error parsing regexp: /, "");
    const isPerl = /\(\?|named capture|escape sequence: `\\[1-9]/.test(reason);
    return isPerl
      ? `cannot be used: ${reason}. Look-around and back references do not exist here, because they can take for ever.`
      : `is not a regular expression: ${reason}.`;
  }
}

/** The most common passwords of public leaks, in lower case: 49,000, of which 17,900 have at least 8 characters. */
import { dictionary } from "@zxcvbn-ts/language-common";

const COMMON: ReadonlySet<string> = new Set(dictionary["passwords-common"]);

/** Ignores case. */
export function isCommonPassword(password: string): boolean {
  return COMMON.has(password.toLowerCase());
}

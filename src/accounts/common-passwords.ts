/** The most common passwords of public leaks, in lower case: 49,000, of which 17,900 have at least 8 characters. */
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

let common: ReadonlySet<string> | null = null;

/** Ignores case. The list takes 6 MB, and most processes check no new password, so the first check loads it. */
export function isCommonPassword(password: string): boolean {
  common ??= readCommon();
  return common.has(password.toLowerCase());
}

function readCommon(): ReadonlySet<string> {
  const { dictionary }: typeof import("@zxcvbn-ts/language-common") = require("@zxcvbn-ts/language-common");
  return new Set(dictionary["passwords-common"]);
}

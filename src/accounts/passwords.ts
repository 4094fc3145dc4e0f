import argon2 from "argon2";
import pLimit from "p-limit";
import { invalidField } from "../errors.ts";
import { isCommonPassword } from "./common-passwords.ts";
import { isObvious } from "./obvious-passwords.ts";

/** The first configuration that OWASP recommends for argon2id. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, PARAMETERS);
}

export interface PasswordRules {
  /** In code points. With 1, every password is accepted. */
  readonly minLength: number;
  readonly username: string;
}

interface PasswordProblem {
  readonly code: "too_short" | "too_common" | "too_obvious";
  /** Follows the name of the field. */
  readonly message: string;
}

const ANY_PASSWORD = 1;

/** Checks a new password. @returns null if it is acceptable */
export function passwordProblem(
  password: string,
  { minLength, username }: PasswordRules,
): PasswordProblem | null {
  if ([...password].length < minLength)
    return { code: "too_short", message: `must have at least ${minLength} characters.` };
  if (minLength === ANY_PASSWORD) return null;
  if (isCommonPassword(password))
    return { code: "too_common", message: "is one of the most common passwords. Choose another one." };
  if (isObvious(password, username))
    return {
      code: "too_obvious",
      message: "has hardly any letters besides the username or words such as `rowmill`. Choose another one.",
    };
  return null;
}

/** @throws DomainError `invalid_input` that names the field, if the new password breaks a rule */
export function requireAcceptable(field: string, password: string, rules: PasswordRules): void {
  const problem = passwordProblem(password, rules);
  if (problem) throw invalidField(field, problem.message);
}

/** Stored instead of a hash for an account without a password: no login succeeds. */
export const NO_PASSWORD = "!";

/** One hash takes 19 MiB and one core for about 20 ms. */
const CONCURRENT_HASHES = 4;

/** @returns the hashes in the order of the passwords */
export function hashPasswords(passwords: readonly string[]): Promise<string[]> {
  return pLimit(CONCURRENT_HASHES).map(passwords, (password) => hashPassword(password));
}

let dummyHash: Promise<string> | undefined;

/**
 * Takes the same time for an unknown user (`hash` undefined) and an account without a password, so that response times
 * do not reveal which accounts exist.
 */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  dummyHash ??= hashPassword("");
  // Every hash starts with `$`; NO_PASSWORD does not.
  const isHash = hash?.startsWith("$") ?? false;
  const isRight = await argon2.verify(isHash && hash ? hash : await dummyHash, password);
  return isHash && isRight;
}

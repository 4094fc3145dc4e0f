import argon2 from "argon2";

/** OWASP's first choice for argon2id. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, PARAMETERS);
}

/** In the place of a hash: nobody can log in to the account until it has a password. */
export const NO_PASSWORD = "!";

/** Each takes 19 MiB and a core for some 20 ms. */
const HASHES_AT_A_TIME = 4;

/** In their order, a few at a time. */
export async function hashPasswords(passwords: readonly string[]): Promise<string[]> {
  const hashes: string[] = [];
  for (let from = 0; from < passwords.length; from += HASHES_AT_A_TIME) {
    const some = passwords.slice(from, from + HASHES_AT_A_TIME);
    hashes.push(...(await Promise.all(some.map(hashPassword))));
  }
  return hashes;
}

let nobodysHash: Promise<string> | undefined;

/** Takes as long for an unknown user (`hash` undefined) or one without a password, so that the time tells nothing. */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  nobodysHash ??= hashPassword("nobody's");
  // A hash begins with `$`; what stands in its place does not.
  const isHash = hash?.startsWith("$") ?? false;
  const isRight = await argon2.verify(isHash && hash ? hash : await nobodysHash, password);
  return isHash && isRight;
}

import argon2 from "argon2";

/** OWASP's first choice for argon2id. https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const PARAMETERS = { type: argon2.argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

export function hashPassword(password: string): Promise<string> {
  return argon2.hash(password, PARAMETERS);
}

let nobodysHash: Promise<string> | undefined;

/** Takes as long for an unknown user (`hash` undefined) as for a known one, so that the time tells nothing. */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  nobodysHash ??= hashPassword("nobody's");
  const isRight = await argon2.verify(hash ?? (await nobodysHash), password);
  return hash !== undefined && isRight;
}

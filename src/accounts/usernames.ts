/** Whose uploads are that come without a token, where that is allowed. */
export const ANONYMOUS = "anonymous";

/** As it is stored: what looks the same is the same. */
export function cleanUsername(username: string): string {
  return username.trim().normalize("NFC");
}

/** Whether nobody may have an account of this name. */
export function isReserved(name: string): boolean {
  return name.toLowerCase() === ANONYMOUS;
}

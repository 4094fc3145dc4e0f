/** Names that no person may have: uploads without a login belong to `anonymous`. */
const RESERVED: ReadonlySet<string> = new Set(["anonymous"]);

/** As it is stored: what looks the same is the same. */
export function cleanUsername(username: string): string {
  return username.trim().normalize("NFC");
}

/** Whether nobody may have an account of this name. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

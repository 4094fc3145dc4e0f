/** Names that nobody can sign up with: `anonymous` owns uploads without a login. */
const RESERVED: ReadonlySet<string> = new Set(["anonymous"]);

/** The stored form: names that look the same become equal. */
export function cleanUsername(username: string): string {
  return username.trim().normalize("NFC");
}

export function isReserved(name: string): boolean {
  return RESERVED.has(name.toLowerCase());
}

/** The names of secrets, and the places for them in the values of headers. */
const NAME = "[A-Z][A-Z0-9_]{0,63}";

export const SECRET_NAME = `^${NAME}$`;
export const NAME_RULE = "is a capital letter, then up to 63 capital letters, digits and underscores";

const PLACE = new RegExp(`\\{\\{secret:(${NAME})\\}\\}`, "g");
const BEGINNING = /\{\{\s*secret\b/;

/** Returns the names in `{{secret:NAME}}`, each once. */
export function namesIn(texts: readonly string[]): string[] {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(PLACE)].map(([, name = ""]) => name)))];
}

/** Whether a text has something like `{{secret:NAME}}` that is not replaced. */
export function hasBrokenPlace(text: string): boolean {
  return BEGINNING.test(text.replaceAll(PLACE, ""));
}

/** Whether a text has a place for a secret, right or broken. */
export function hasPlace(text: string): boolean {
  return BEGINNING.test(text);
}

export function fillPlaces(text: string, values: ReadonlyMap<string, string>): string {
  return text.replaceAll(PLACE, (place, name: string) => values.get(name) ?? place);
}

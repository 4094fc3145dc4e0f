/** Checks a locale of a definition or an upload, beyond what its JSON Schema says. */
import type { FieldErrors } from "../../errors.ts";
import type { Locale } from "../definition/locale.ts";
import { FoundProblems } from "./found-problems.ts";
import { DEFAULT_FALSE, DEFAULT_TRUE, foldWord, mergeLocales } from "./locales.ts";
import { isTimeZone } from "./time-zones.ts";

/**
 * @param locale of the definition or, with `upload`, of an upload that differs from it
 * @param path of the locale, for example `locale`
 */
export function checkLocale(locale: Locale | undefined, path: string, upload?: Locale): FieldErrors {
  const found = new FoundProblems();
  const merged = mergeLocales(locale, upload);
  const { decimal = ".", group = "", timezone = "UTC" } = merged;
  if (group === decimal)
    found.add(
      `${path}.group`,
      `is the same as the character before decimals, "${decimal}". Choose another \`group\` or \`decimal\`.`,
    );
  if (!isTimeZone(timezone))
    found.add(
      `${path}.timezone`,
      `"${timezone}" is not a time zone. Write one such as Europe/Berlin or UTC.`,
    );
  const words = (list: readonly string[]) => new Set(list.map(foldWord));
  const [yes, no] = [words(merged.true ?? DEFAULT_TRUE), words(merged.false ?? DEFAULT_FALSE)];
  for (const word of yes) {
    if (no.has(word))
      found.add(`${path}.true`, `"${word}" means false as well. Remove it from one of the lists.`);
  }
  for (const word of words(merged.null ?? [])) {
    if (word !== "" && (yes.has(word) || no.has(word)))
      found.add(
        `${path}.null`,
        `"${word}" means ${yes.has(word) ? "true" : "false"} as well. Remove it from one of the lists.`,
      );
  }
  return found.errors;
}

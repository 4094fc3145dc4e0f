import { Compile } from "typebox/compile";
import { invalidField } from "../../errors.ts";
import { schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { checkLocale } from "../columns/check-locale.ts";
import { Locale } from "../definition/locale.ts";
import type { Target } from "../target.ts";

const check = Compile(Locale);

/**
 * Reads the locale that an upload sends for its file.
 * @param text JSON; undefined: none was sent
 * @returns null if none was sent
 * @throws DomainError `invalid_input` that names the field
 */
export function parseLocale({ name, defined }: Target, text: string | undefined): Locale | null {
  if (text === undefined) return null;
  if (!defined)
    throw invalidField("locale", `The target ${name} reads every cell as text. Leave out \`locale\`.`);
  const locale = parseJson(text);
  throwFieldErrors(schemaErrors(check, locale, "locale"));
  if (!check.Check(locale)) throw invalidField("locale", "must be an object.");
  throwFieldErrors(checkLocale(defined.definition.locale, "locale", locale));
  return locale;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidField("locale", 'is not JSON. Send an object, such as {"decimal": ","}.', error);
  }
}

import { Compile } from "typebox/compile";
import { type FieldErrors, invalidField } from "../../errors.ts";
import { schemaErrors, throwFieldErrors } from "../../platform/http/schema-errors.ts";
import { checkColumns } from "../columns/check-columns.ts";
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
  const { definition } = defined;
  throwFieldErrors(aboutLocale(checkColumns({ ...definition, locale: { ...definition.locale, ...locale } })));
  return locale;
}

/** The definition was valid before, so the errors of its columns come from the new locale. */
function aboutLocale(errors: FieldErrors): FieldErrors {
  const texts = Object.entries(errors).map(([field, [text]]) => [
    field.startsWith("locale") ? field : `locale (${field})`,
    [text ?? ""],
  ]);
  return Object.fromEntries(texts);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidField("locale", 'is not JSON. Send an object, such as {"decimal": ","}.', error);
  }
}

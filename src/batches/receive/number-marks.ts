import type { NumberMarks } from "../../platform/workbooks/number-formats.ts";
import { resolveLocale } from "../../targets/columns/locales.ts";
import type { Locale } from "../../targets/definition/locale.ts";
import type { Target } from "../../targets/target.ts";

/** The marks of numbers in workbooks: those of the locale in which the target reads texts. undefined: it reads every cell as text. */
export function numberMarks({ defined }: Target, locale: Locale | null): NumberMarks | undefined {
  return defined && resolveLocale(defined.definition.locale, locale ?? undefined);
}

import { invalidField } from "../../errors.ts";
import { quoted } from "./refusals.ts";
import type { Sheet } from "./structure.ts";

/**
 * Returns the sheet with this name, or else with this number, counted from 1. Absent: the first that is not hidden.
 * @throws DomainError `invalid_input` that lists the sheets
 */
export function chooseSheet(sheets: readonly [Sheet, ...Sheet[]], chosen: string | undefined): Sheet {
  if (chosen === undefined) return sheets.find(({ isHidden }) => !isHidden) ?? sheets[0];
  const key = chosen.toLowerCase();
  const sheet =
    sheets.find(({ name }) => name === chosen) ??
    sheets.find(({ name }) => name.toLowerCase() === key) ??
    (/^[1-9]\d{0,8}$/.test(chosen) ? sheets[Number(chosen) - 1] : undefined);
  if (sheet) return sheet;
  const names = sheets.slice(0, 20).map(({ name }) => quoted(name));
  const more = sheets.length > names.length ? ` and ${sheets.length - names.length} more` : "";
  throw invalidField(
    "sheet",
    `The workbook has no sheet ${quoted(chosen)}. Its sheets: ${names.join(", ")}${more}.`,
  );
}

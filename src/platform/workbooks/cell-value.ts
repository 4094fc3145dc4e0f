/** Reads the value of a cell as text, as the sheet shows it. */
import type { WriterOf } from "./styles.ts";
import { unescaped } from "./text-collector.ts";

const MS_PER_DAY = 86_400_000;
/** 1899-12-30, the day 0 of dates after February 1900. */
const DAY_ZERO = Date.UTC(1899, 11, 30);
/** 1900-03-01. Excel counts a 29 February before it, which 1900 did not have. */
const AFTER_LEAP_DAY = 61;
/** Without its days, a time needs none. */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?Z?$/;

/**
 * @param type the attribute `t` of the cell, without those whose text is elsewhere
 * @param text the content of `<v>`, the last known value of a formula
 */
export function cellText(type: string, text: string, style: number, writerOf: WriterOf): string {
  switch (type) {
    case "n":
      return numberText(text, style, writerOf);
    case "b":
      return text.trim() === "1" || text.trim() === "true" ? "TRUE" : "FALSE";
    case "d":
      return dateText(text, style, writerOf);
    default:
      // Texts of formulas, and errors such as #N/A.
      return unescaped(text);
  }
}

function numberText(text: string, style: number, writerOf: WriterOf): string {
  const value = Number(text);
  return text.trim() === "" || !Number.isFinite(value) ? text : writerOf(style)(value);
}

/** A date as ISO 8601 instead of a number, which some programs write. */
function dateText(text: string, style: number, writerOf: WriterOf): string {
  const iso = text.trim();
  if (!ISO_DATE.test(iso)) return text;
  const moment = Date.parse(iso.length === 10 || iso.endsWith("Z") ? iso : `${iso}Z`);
  if (Number.isNaN(moment)) return text;
  const plain = iso.replace("T", " ").replace(/Z$/, "");
  const days = (moment - DAY_ZERO) / MS_PER_DAY;
  // No number means a day before 1900.
  if (days < 0) return plain;
  const shown = writerOf(style, false)(days >= 1 && days < AFTER_LEAP_DAY ? days - 1 : days);
  // A cell without a date format would show the number of days.
  return /^\d+(\.\d+)?$/.test(shown) ? plain : shown;
}

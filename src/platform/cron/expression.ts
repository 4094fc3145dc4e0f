/** Cron expressions on the clock on the wall, without time zones. Only this file imports croner. */
import { Cron } from "croner";
import { LRUCache } from "lru-cache";
import { plural } from "../plural.ts";

/** Its message follows the name of a field: "cron: the hour `25` ...". */
export class CronError extends Error {
  override name = "CronError";
}

export interface CronExpression {
  /** Whether the expression has a time in every hour of a day on which it runs. */
  readonly isHourly: boolean;
  /** Returns the times after `after`, in UTC as if it were the clock on the wall. */
  after(after: Date): Iterable<Date>;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Words for the numbers from `min` on. */
  readonly words: readonly string[];
}

const HOUR: Field = { name: "hour", min: 0, max: 23, words: [] };

const FIELDS: readonly Field[] = [
  { name: "minute", min: 0, max: 59, words: [] },
  HOUR,
  { name: "day of the month", min: 1, max: 31, words: [] },
  {
    name: "month",
    min: 1,
    max: 12,
    words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
  },
  { name: "day of the week", min: 0, max: 7, words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
];

const NAMES = FIELDS.map(({ name }) => name).join(", ");

/** croner knows more words. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ["@hourly", "0 * * * *"],
  ["@daily", "0 0 * * *"],
  ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"],
  ["@yearly", "0 0 1 1 *"],
]);

export const CRON_MAX_LENGTH = 100;

/** `*`, `5`, `5-10`, `*` and ranges with a step. */
const PART = /^(?:\*|(?<from>[0-9A-Z]+)(?:-(?<to>[0-9A-Z]+))?)(?:\/(?<step>[0-9]{1,2}))?$/;

const parsed = new LRUCache<string, CronExpression>({ max: 1000 });

/** @throws CronError that names the field of the expression, and what it allows */
export function parseCron(text: string): CronExpression {
  const known = parsed.get(text);
  if (known) return known;
  const expression = parse(text);
  parsed.set(text, expression);
  return expression;
}

function parse(text: string): CronExpression {
  const fields = checkText(text);
  // Evaluates in UTC, which has no changes of the clock.
  const cron = new Cron(fields.join(" "), { timezone: "UTC", mode: "5-part", paused: true });
  return {
    isHourly: valuesOf(HOUR, fields[1] ?? "").size === 24,
    *after(after) {
      for (let time = cron.nextRun(after); time; time = cron.nextRun(time)) yield time;
    },
  };
}

/** @returns the five fields */
function checkText(text: string): string[] {
  if (text.length > CRON_MAX_LENGTH) {
    throw new CronError(`has ${text.length} characters. The limit is ${CRON_MAX_LENGTH}.`);
  }
  const fields = plainOf(text.trim()).toUpperCase().split(/\s+/).filter(Boolean);
  if (fields.length !== FIELDS.length) {
    const seconds = fields.length === 6 ? " Seconds are not supported." : "";
    throw new CronError(
      `has ${plural(fields.length, "field")} and needs 5: ${NAMES}. Examples: \`30 2 * * *\`, @daily.${seconds}`,
    );
  }
  for (const [at, field] of FIELDS.entries()) valuesOf(field, fields[at] ?? "");
  return fields;
}

function plainOf(text: string): string {
  if (!text.startsWith("@")) return text;
  const plain = WORDS.get(text.toLowerCase());
  if (plain) return plain;
  throw new CronError(`has the unknown word \`${text}\`. Known words: ${[...WORDS.keys()].join(", ")}.`);
}

/** @throws CronError unless the field has the syntax that croner and most other programs understand in the same way */
function valuesOf(field: Field, text: string): Set<number> {
  const values = new Set<number>();
  for (const part of text.split(",")) {
    const range = rangeOf(field, part);
    if (!range) {
      throw new CronError(
        `has the ${field.name} \`${text}\`. Allowed: \`*\`, ${field.min} to ${field.max}${wordsOf(field)}, ranges such as ` +
          "`1-5`, steps such as `*/5` or `1-5/2`, and lists with commas.",
      );
    }
    for (let value = range.first; value <= range.last; value += range.step) values.add(value);
  }
  return values;
}

function rangeOf(field: Field, part: string): { first: number; last: number; step: number } | null {
  const groups = PART.exec(part)?.groups;
  if (!groups) return null;
  const { from, to, step = "1" } = groups;
  const first = from === undefined ? field.min : numberOf(field, from);
  const last = from === undefined ? field.max : to === undefined ? first : numberOf(field, to);
  const isSingle = from !== undefined && to === undefined;
  if (first === null || last === null || first > last || (isSingle && groups.step !== undefined)) return null;
  return isBetween(1, Number(step), field.max) ? { first, last, step: Number(step) } : null;
}

function numberOf({ min, max, words }: Field, text: string): number | null {
  const at = words.indexOf(text);
  if (at !== -1) return min + at;
  return /^[0-9]{1,2}$/.test(text) && isBetween(min, Number(text), max) ? Number(text) : null;
}

function isBetween(min: number, value: number, max: number): boolean {
  return min <= value && value <= max;
}

function wordsOf({ words }: Field): string {
  return words.length > 0 ? `, ${words[0]} to ${words.at(-1)}` : "";
}

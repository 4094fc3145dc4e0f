/** Reads texts of a form: texts with limits, email addresses, URLs and UUIDs. */
import type { ColumnDefinition } from "../definition/column.ts";
import { compilePattern, MAX_PATTERN_CELL } from "./patterns.ts";
import { countCharacters, Problem, type Reader, spreadsheetHint } from "./problem.ts";

type TextColumn = Pick<ColumnDefinition, "min_length" | "max_length" | "pattern" | "pattern_message">;

export function textReader(column: TextColumn): Reader {
  const checks = [lengthCheck(column), patternCheck(column)].filter((check) => check !== null);
  return (text) => {
    for (const check of checks) {
      const problem = check(text);
      if (problem) return problem;
    }
    return text;
  };
}

type Check = (text: string) => Problem | null;

export function lengthCheck({
  min_length: least = 0,
  max_length: most = Infinity,
}: TextColumn): Check | null {
  if (least <= 1 && most === Infinity) return null;
  return (text) => {
    // A character has one or two units.
    if (text.length > most) {
      const count = countCharacters(text);
      if (count > most)
        return new Problem("too_long", `has ${count} characters; at most ${most} are allowed`);
    }
    if (text.length < 2 * least) {
      const count = countCharacters(text);
      if (count < least)
        return new Problem("too_short", `has ${count} characters; at least ${least} are required`);
    }
    return null;
  };
}

function patternCheck({ pattern, pattern_message }: TextColumn): Check | null {
  const compiled = pattern === undefined ? null : compilePattern(pattern);
  if (compiled === null) return null;
  // checkColumns has refused the definition.
  if (typeof compiled === "string")
    return () => new Problem("invalid", `cannot be checked: the pattern ${compiled}`);
  const message = pattern_message
    ? `is wrong: it ${pattern_message}`
    : `does not match the pattern ${pattern}`;
  return (text) => {
    if (text.length > MAX_PATTERN_CELL)
      return new Problem(
        "too_long",
        `has ${countCharacters(text)} characters; at most ${MAX_PATTERN_CELL} are allowed in a column with a pattern`,
      );
    return compiled.test(text) ? null : new Problem("invalid", message);
  };
}

/** A text with a form of its own, and the limits of a text. */
function formReader(column: TextColumn, read: Reader): Reader {
  const check = textReader(column);
  return (text) => {
    const value = read(text);
    return value instanceof Problem ? value : check(value);
  };
}

export function emailReader(column: TextColumn): Reader {
  return formReader(column, (text) => {
    const reason = emailProblem(text);
    if (reason === null) return text;
    return new Problem("invalid_email", `is not an email address: ${spreadsheetHint(text) ?? reason}`);
  });
}

const EMAIL_LOCAL = /^[^\s@"(),:;<>[\\\]]+$/;
const EMAIL_DOMAIN = /^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+$/u;
const PLAIN_EMAIL =
  /^[a-zA-Z0-9_+-]+(?:\.[a-zA-Z0-9_+-]+)*@(?:[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*\.)+[a-zA-Z]{2,}$/;

function emailProblem(text: string): string | null {
  const at = text.lastIndexOf("@");
  if (at === -1) return "it has no @";
  if (text.length > 254) return "it has more than 254 characters";
  if (PLAIN_EMAIL.test(text) && at <= 64) return null;
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)];
  if (local === "") return "nothing is before the @";
  if (local.includes("@")) return "it has several @";
  if (/\s/.test(text)) return "it has a blank";
  if (local.length > 64) return "more than 64 characters are before the @";
  if (!EMAIL_LOCAL.test(local)) return "it has characters that addresses do not have";
  if (local.startsWith(".") || local.endsWith(".") || text.includes("..")) return "a dot is out of place";
  if (!domain.includes(".")) return "the domain after the @ is not complete";
  if (!EMAIL_DOMAIN.test(domain) || /(^|\.)-|-(\.|$)/.test(domain))
    return "the domain after the @ is not valid";
  return null;
}

export function urlReader(column: TextColumn): Reader {
  return formReader(column, (text) => {
    const reason = urlProblem(text);
    if (reason === null) return text;
    return new Problem("invalid_url", `is not a URL: ${spreadsheetHint(text) ?? reason}`);
  });
}

function urlProblem(text: string): string | null {
  if (!/^https?:\/\//i.test(text)) return "it does not begin with https:// or http://";
  if (/[\s\p{Cc}]/u.test(text)) return "it has a blank";
  return URL.canParse(text) ? null : "the host is missing or not valid";
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const UUID_FORMS =
  /^(?:urn:uuid:)?(\{)?([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})(\})?$/;

/** Accepts upper case, braces, and digits without hyphens, as PostgreSQL does. */
export function uuidReader(): Reader {
  return (text) => {
    const lower = text.length <= 50 ? text.toLowerCase() : "";
    if (UUID.test(lower)) return lower;
    const [, open, a, b, c, d, e, close] = UUID_FORMS.exec(lower) ?? [];
    if (a !== undefined && (open === undefined) === (close === undefined)) return [a, b, c, d, e].join("-");
    const hint = spreadsheetHint(text) ?? "write it as 123e4567-e89b-12d3-a456-426614174000";
    return new Problem("invalid_uuid", `is not a UUID: ${hint}`);
  };
}

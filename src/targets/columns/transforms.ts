/** The changes of the text of a cell that a definition can name. All of them take time in proportion to the text. */
import type { Transform } from "../definition/transform.ts";
import { Problem, type Reader } from "./problem.ts";

/** @returns a function that applies all transforms in order; null: nothing to do */
export function transformer(transforms: readonly Transform[] = []): Reader | null {
  const steps = transforms.map(stepOf);
  const [only] = steps;
  if (only === undefined) return null;
  if (steps.length === 1) return only;
  return (text) => {
    let current = text;
    for (const step of steps) {
      const next = step(current);
      if (next instanceof Problem) return next;
      current = next;
    }
    return current;
  };
}

function stepOf(transform: Transform): Reader {
  if (typeof transform === "string") return NAMED[transform];
  if ("strip_prefix" in transform) {
    const prefix = transform.strip_prefix;
    return (text) => (text.startsWith(prefix) ? text.slice(prefix.length) : text);
  }
  if ("replace" in transform) {
    const { from, to } = transform.replace;
    return (text) => (text.includes(from) ? text.replaceAll(from, () => to) : text);
  }
  if ("split_take" in transform) {
    const { separator, index } = transform.split_take;
    return (text) => (text.split(separator).at(index) ?? "").trim();
  }
  const { country_code } = transform.e164;
  return (text) => phoneNumber(text, country_code);
}

const NAMED: Readonly<Record<Extract<Transform, string>, (text: string) => string>> = {
  trim: (text) => text.trim(),
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  title: (text) =>
    text.toLowerCase().replace(/(?<![\p{L}\p{M}\p{N}'’])\p{L}/gu, (letter) => letter.toUpperCase()),
  collapse_spaces: (text) => text.replace(/\s+/g, " ").trim(),
  digits_only: (text) => text.replace(/[^0-9]+/g, ""),
  unaccent: (text) => removeAccents(text),
};

/** Latin letters that do not consist of a letter and an accent. */
const LETTERS: Readonly<Record<string, string>> = {
  ß: "ss",
  ẞ: "SS",
  æ: "ae",
  Æ: "AE",
  œ: "oe",
  Œ: "OE",
  ø: "o",
  Ø: "O",
  đ: "d",
  Đ: "D",
  ð: "d",
  Ð: "D",
  þ: "th",
  Þ: "TH",
  ł: "l",
  Ł: "L",
  ħ: "h",
  Ħ: "H",
  ı: "i",
  ŋ: "n",
  Ŋ: "N",
};

/** Other scripts keep their marks, which are not accents there. */
function removeAccents(text: string): string {
  if (!/[^\0-\x7f]/.test(text)) return text;
  return text
    .normalize("NFD")
    .replace(/(\p{Script=Latin})\p{M}+/gu, "$1")
    .replace(/[ßẞæÆœŒøØđĐðÐþÞłŁħĦıŋŊ]/g, (letter) => LETTERS[letter] ?? letter)
    .normalize("NFC");
}

function phoneNumber(text: string, countryCode: string): string | Problem {
  const refuse = (reason: string) => new Problem("invalid_phone", `is not a phone number: ${reason}`);
  // "+49 (0)30" has a zero that only calls within the country need.
  const bare = text.replace("(0)", "").replace(/[\s\u00a0\u202f()./-]/g, "");
  if (!/^\+?\d+$/.test(bare)) return bare === "" ? "" : refuse("it has characters that numbers do not have");
  const number = bare.startsWith("+")
    ? bare.slice(1)
    : bare.startsWith("00")
      ? bare.slice(2)
      : bare.startsWith("0")
        ? countryCode + bare.slice(1)
        : null;
  if (number === null)
    return refuse(`write it with + and the code of the country, as in +${countryCode}301234567`);
  if (!/^[1-9]\d{6,14}$/.test(number))
    return refuse("with the code of the country, numbers have 7 to 15 digits");
  return `+${number}`;
}

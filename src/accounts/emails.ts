import { IsEmail } from "typebox/format";

/** Stricter than RFC 5322: quoted spaces and line ends are refused because they would end up in mail headers. */
export function isEmail(text: string): boolean {
  return IsEmail(text) && !/[\s\p{Cc}]/u.test(text);
}

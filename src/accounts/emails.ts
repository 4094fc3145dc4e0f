import { IsEmail, IsIdnEmail } from "typebox/format";

/** Stricter than RFC 5322: spaces and invisible characters are refused, because line ends would end up in mail headers. */
export function isEmail(text: string): boolean {
  return (IsEmail(text) || IsIdnEmail(text)) && !/[\s\p{C}]/u.test(text);
}

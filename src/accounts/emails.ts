import { IsEmail } from "typebox/format";

/** Whether it is an address. RFC 5322 allows spaces and line ends in quotes, which would end up in mail headers. */
export function isEmail(text: string): boolean {
  return IsEmail(text) && !/[\s\p{Cc}]/u.test(text);
}

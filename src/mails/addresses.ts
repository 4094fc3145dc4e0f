import { IsEmail, IsIdnEmail } from "typebox/format";

/** The longest address that a mail server must accept (RFC 5321, 4.5.3.1.3). */
const MAX_ADDRESS = 254;

/** Stricter than RFC 5322: spaces and invisible characters are refused, because line ends would end up in mail headers. */
export function isEmail(text: string): boolean {
  return (IsEmail(text) || IsIdnEmail(text)) && !/[\s\p{C}]/u.test(text);
}

/** Whether mail can be sent to the address. Accounts of older versions may have others. */
export function isDeliverable(address: string): boolean {
  return address.length <= MAX_ADDRESS && isEmail(address);
}

/** The domain of an address, in lower case. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1).toLowerCase();
}

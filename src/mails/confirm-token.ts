/** The token of a link that confirms an address. It proves that the address has received a mail. */
import { readToken, signToken } from "../platform/signed-token.ts";

export interface Confirmation {
  readonly userId: number;
  readonly address: string;
}

const PURPOSE = "confirm address";

export function confirmToken(secret: string, { userId, address }: Confirmation): string {
  return signToken(secret, PURPOSE, [userId, address]);
}

/** @returns null if Rowmill has not signed the token */
export function readConfirmToken(secret: string, token: string): Confirmation | null {
  const content = readToken(secret, PURPOSE, token) as [userId: number, address: string] | undefined;
  return content ? { userId: content[0], address: content[1] } : null;
}

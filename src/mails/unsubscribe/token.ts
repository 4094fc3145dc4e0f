/** The token of an unsubscribe link. It proves that Rowmill has sent the link. */
import { readToken, signToken } from "../../platform/signed-token.ts";
import type { Subscription } from "../kinds/kind.ts";

/** Recipients without an account are known by their address. */
export type Subscriber = { readonly userId: number } | { readonly address: string };

export interface Unsubscription {
  readonly subscriber: Subscriber;
  readonly subscription: string;
}

const PURPOSE = "unsubscribe";

export function unsubscribeToken(secret: string, subscriber: Subscriber, subscription: Subscription): string {
  const who = "userId" in subscriber ? subscriber.userId : subscriber.address;
  return signToken(secret, PURPOSE, [who, subscription]);
}

/** @returns null if Rowmill has not signed the token */
export function readUnsubscribeToken(secret: string, token: string): Unsubscription | null {
  const content = readToken(secret, PURPOSE, token) as
    | [who: number | string, subscription: string]
    | undefined;
  if (!content) return null;
  const [who, subscription] = content;
  return { subscriber: typeof who === "number" ? { userId: who } : { address: who }, subscription };
}

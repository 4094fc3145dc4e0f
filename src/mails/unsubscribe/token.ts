/** The token of an unsubscribe link. It proves that Rowmill has sent the link, and never expires. */
import { timingSafeEqual } from "node:crypto";
import { signatureOf } from "../../platform/derived-secret.ts";
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
  const content = Buffer.from(JSON.stringify([who, subscription])).toString("base64url");
  return `${content}.${signatureOf(secret, PURPOSE, content)}`;
}

/** @returns null if Rowmill has not signed the token */
export function readUnsubscribeToken(secret: string, token: string): Unsubscription | null {
  const [content = "", signature = ""] = token.split(".");
  const expected = Buffer.from(signatureOf(secret, PURPOSE, content));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
  const [who, subscription] = JSON.parse(Buffer.from(content, "base64url").toString()) as [
    number | string,
    string,
  ];
  return { subscriber: typeof who === "number" ? { userId: who } : { address: who }, subscription };
}

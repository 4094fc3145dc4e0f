/** Tokens of links in mails: JSON that Rowmill has signed. They are stored nowhere, and never expire. */
import { timingSafeEqual } from "node:crypto";
import { signatureOf } from "./derived-secret.ts";

/** @param content JSON */
export function signToken(secret: string, purpose: string, content: unknown): string {
  const encoded = Buffer.from(JSON.stringify(content)).toString("base64url");
  return `${encoded}.${signatureOf(secret, purpose, encoded)}`;
}

/** @returns the content; undefined if Rowmill has not signed the token for this purpose */
export function readToken(secret: string, purpose: string, token: string): unknown {
  const [encoded = "", signature = ""] = token.split(".");
  const expected = Buffer.from(signatureOf(secret, purpose, encoded));
  const given = Buffer.from(signature);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  return JSON.parse(Buffer.from(encoded, "base64url").toString());
}

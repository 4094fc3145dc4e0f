/** Maps the answers of mail servers to outcomes. */
import { isAboutAddress } from "./refused-address.ts";

export type SmtpOutcome =
  | { readonly kind: "accepted"; readonly reply: string }
  /** `isAddress`: the address is wrong, so no mail will ever reach it. */
  | { readonly kind: "refused"; readonly reply: string; readonly isAddress: boolean }
  /** Try again later. `of`: the part that has trouble, which is the same for all mails to it. */
  | { readonly kind: "postponed"; readonly reply: string; readonly of: "mailbox" | "domain" | "server" }
  /** The server refuses us: the login or the settings are wrong. Nothing is wrong with the mail. */
  | { readonly kind: "misconfigured"; readonly reply: string }
  /** The content was sent, and the connection ended before the server answered. */
  | { readonly kind: "uncertain"; readonly reply: string };

export interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

/** Answers to AUTH, or to a client that has not logged in. */
const NOT_LOGGED_IN: ReadonlySet<number> = new Set([530, 534, 535, 538]);
/** The commands whose answers are about the recipient. The others are about the sender. */
const ABOUT_RECIPIENT: ReadonlySet<string> = new Set(["RCPT TO", "DATA"]);
/** An enhanced code (RFC 3463) that is about one mailbox. */
const OF_MAILBOX = /^\d{3}[ -]4\.2\./;

const MAX_REPLY = 500;

/** @param isContentSent whether the server may have received the whole mail */
export function outcomeOfError(error: SmtpError, isContentSent: boolean): SmtpOutcome {
  const reply = replyOf(error.response ?? error.message);
  const { code, responseCode = 0 } = error;
  const isAboutRecipient = ABOUT_RECIPIENT.has(error.command ?? "");
  if (code === "EAUTH" || code === "ETLS" || NOT_LOGGED_IN.has(responseCode))
    return { kind: "misconfigured", reply };
  if (responseCode >= 500) {
    if (!isAboutRecipient) return { kind: "misconfigured", reply };
    return { kind: "refused", reply, isAddress: isAboutAddress(reply) };
  }
  if (responseCode >= 400) {
    if (!isAboutRecipient) return { kind: "postponed", reply, of: "server" };
    return { kind: "postponed", reply, of: OF_MAILBOX.test(reply) ? "mailbox" : "domain" };
  }
  if (isContentSent) return { kind: "uncertain", reply };
  // The client itself refuses the mail: it is larger than the server allows, or it cannot be sent to this server.
  if (code === "EMESSAGE" || code === "EENVELOPE") return { kind: "refused", reply, isAddress: false };
  return { kind: "postponed", reply, of: "server" };
}

/** One line of limited length, because servers answer with any bytes. */
export function replyOf(text: string): string {
  return text
    .replace(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, MAX_REPLY);
}

import { expect, test } from "vitest";
import { outcomeOfError, replyOf, type SmtpError } from "../../../src/platform/smtp/outcome.ts";

const error = (fields: Partial<SmtpError>): SmtpError => Object.assign(new Error("it failed"), fields);
const answered = (command: string, responseCode: number, rest = "") =>
  error({ command, responseCode, response: `${responseCode} ${rest}`.trim() });

test.each([
  [
    "an unknown mailbox",
    answered("RCPT TO", 550, "User unknown"),
    false,
    { kind: "refused", isAddress: true },
  ],
  ["a refusal without a reason", answered("RCPT TO", 550), false, { kind: "refused", isAddress: false }],
  ["a disabled mailbox", answered("RCPT TO", 552, "5.2.1"), false, { kind: "refused", isAddress: true }],
  [
    "a refusal by policy",
    answered("RCPT TO", 550, "5.7.1 no relay"),
    false,
    { kind: "refused", isAddress: false },
  ],
  ["refused content", answered("DATA", 554, "spam"), true, { kind: "refused", isAddress: false }],
  [
    "a mailbox that is unknown after the content",
    answered("DATA", 550, "5.1.1"),
    true,
    { kind: "refused", isAddress: true },
  ],
  ["a mail that is too large", error({ code: "EMESSAGE" }), false, { kind: "refused", isAddress: false }],
  ["a busy domain", answered("RCPT TO", 451), false, { kind: "postponed", of: "domain" }],
  ["a full mailbox", answered("RCPT TO", 452, "4.2.2"), false, { kind: "postponed", of: "mailbox" }],
  ["postponed content", answered("DATA", 421), true, { kind: "postponed", of: "domain" }],
  ["a server that shuts down", answered("CONN", 421), false, { kind: "postponed", of: "server" }],
  [
    "no connection",
    error({ code: "ECONNECTION", command: "CONN" }),
    false,
    { kind: "postponed", of: "server" },
  ],
  [
    "a lost connection before the content",
    error({ code: "ETIMEDOUT" }),
    false,
    { kind: "postponed", of: "server" },
  ],
  ["a lost connection after the content", error({ code: "ECONNECTION" }), true, { kind: "uncertain" }],
  [
    "a wrong password",
    error({ code: "EAUTH", responseCode: 535, response: "535 no" }),
    false,
    { kind: "misconfigured" },
  ],
  ["a missing login", answered("MAIL FROM", 530), false, { kind: "misconfigured" }],
  ["a sender that is not allowed", answered("MAIL FROM", 553), false, { kind: "misconfigured" }],
  ["no TLS", error({ code: "ETLS", command: "STARTTLS" }), false, { kind: "misconfigured" }],
])("%s", (_, thrown, isContentSent, expected) => {
  expect(outcomeOfError(thrown, isContentSent)).toMatchObject(expected);
});

test("a reply is one line of limited length", () => {
  expect(replyOf(`550 no\r\n550 \u001b[31mnever${"x".repeat(10_000)}`)).toMatch(
    /^550 no 550 \[31mneverx{470,500}$/,
  );
});

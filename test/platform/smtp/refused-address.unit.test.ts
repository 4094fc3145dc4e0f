import { expect, test } from "vitest";
import { isAboutAddress } from "../../../src/platform/smtp/refused-address.ts";

test.each([
  // Postfix
  "550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in virtual mailbox table",
  "550 <spam@example.com>: Recipient address rejected: User unknown in local recipient table",
  "550 5.1.1 <ada@example.com>: Recipient address rejected: User unknown in relay recipient table",
  // Exim
  "550 Unrouteable address",
  "550 No Such User Here",
  "550 5.1.1 No such mailbox",
  // Sendmail, qmail
  "550 5.1.1 <ada@example.com>... User unknown",
  "550 sorry, no mailbox here by that name. (#5.7.17)",
  // Gmail
  "550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces. Learn more at 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser z15si12960527wrv.143 - gsmtp",
  "550 5.2.1 The email account that you tried to reach is inactive. Learn more at https://support.google.com/mail/?p=DisabledUser - gsmtp",
  // Microsoft 365
  "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ada@example.com not found by SMTP address lookup",
  // Yahoo
  "554 delivery error: dd This user doesn't have a yahoo.com account (ada@yahoo.com) [0] - mta1481.mail.ne1.yahoo.com",
  "550 5.7.1 No such user!",
  "553 5.1.3 Bad recipient address syntax",
])("%s is about the address", (reply) => {
  expect(isAboutAddress(reply)).toBe(true);
});

test.each([
  "550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/192.0.2.1",
  "550 Client host 192.0.2.1 is listed in zen.spamhaus.org",
  "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
  "550 5.4.1 [ada@example.com]: Recipient address rejected: Access denied",
  "550-5.7.26 This mail has been blocked because the sender is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.",
  "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
  "550 5.1.1 This message violates example.com email policy. - gcdp",
  "550 5.1.8 <rowmill@example.com>: Sender address rejected: Domain not found",
  "550 5.1.0 Address rejected",
  "550 Requested action not taken: mailbox unavailable",
  "550 Administrative prohibition",
  "550 relay not permitted",
  "554 5.7.1 <ada@example.com>: Relay access denied",
  "552 5.2.2 Mailbox full",
  "554 5.7.1 Message rejected as spam by Content Filtering",
  "550 No",
])("%s is about the mail", (reply) => {
  expect(isAboutAddress(reply)).toBe(false);
});

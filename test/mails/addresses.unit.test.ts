import { expect, test } from "vitest";
import { isEmail } from "../../src/mails/addresses.ts";

test.each([
  "ada@example.com",
  "ada+books@mail.example.co.uk",
  "o'hara@example.com",
  "root@localhost",
  "jörg@müller.de",
  "用户@例子.公司",
])("%s is an e-mail address", (text) => {
  expect(isEmail(text)).toBe(true);
});

test.each([
  "",
  "ada",
  "ada@",
  "@example.com",
  "a da@example.com",
  "ada@exam ple.com",
  " ada@example.com",
  "ada@example.com ",
  "ada@example.com\n",
  "ada@example.com\r\nBcc: eve@example.com",
  '"a da"@example.com',
  '"a\r\nBcc: eve"@example.com',
  "a\0@example.com",
  "a@b@example.com",
  "jörg@müller.de\r\nBcc: eve@example.com",
  "a\u2028@müller.de",
  "a\u200b@müller.de",
])("%j is not an e-mail address", (text) => {
  expect(isEmail(text)).toBe(false);
});

import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config/config.ts";

const base = { DATABASE_URL: "postgres://127.0.0.1:1/none", JWT_SECRET: "x".repeat(32) };
const from = { EMAIL_FROM: "Rowmill <rowmill@example.com>" };
const mail = (settings: NodeJS.ProcessEnv) => loadConfig({ ...base, ...settings }).mail;

test("without a server, mail has none", () => {
  expect(mail({})).toMatchObject({ server: null, perSecond: 10, uncertain: "hold" });
});

test.each([
  [{ SMTP_URL: "smtp://mail.example.com" }, { port: 587, isTls: false, isPlain: false, login: null }],
  [{ SMTP_URL: "smtps://mail.example.com" }, { port: 465, isTls: true, isPlain: false }],
  [
    { SMTP_URL: "smtp://ada%40example.com:p%2Fss@mail.example.com:25" },
    { port: 25, login: { user: "ada@example.com", password: "p/ss" } },
  ],
  [{ SMTP_URL: "smtp://127.0.0.1:1025" }, { host: "127.0.0.1", isPlain: true }],
  [{ SMTP_URL: "smtp://[::1]:1025" }, { host: "::1", isPlain: true }],
  [
    { SMTP_URL: "smtp://mailpit:1025", EMAIL_TLS: "off" },
    { host: "mailpit", isPlain: true },
  ],
  [{ EMAIL_HOST: "mail.example.com" }, { port: 587, isTls: false, isPlain: false, login: null }],
  [
    {
      EMAIL_HOST: "mail.example.com",
      EMAIL_PORT: "465",
      EMAIL_HOST_USER: "ada",
      EMAIL_HOST_PASSWORD: "p/ss",
    },
    { port: 465, isTls: true, login: { user: "ada", password: "p/ss" } },
  ],
])("%o is a mail server", (settings, server) => {
  expect(mail({ ...from, ...settings }).server).toMatchObject(server);
});

test("the sender has a name and an address", () => {
  const { from: sender } = mail({ EMAIL_FROM: '"Row, mill" <rowmill@example.com>' });
  expect(sender).toEqual({ name: "Row, mill", address: "rowmill@example.com" });
  expect(mail({ EMAIL_FROM: "rowmill@example.com" }).from).toEqual({
    name: "",
    address: "rowmill@example.com",
  });
});

test.each([
  [{ SMTP_URL: "smtp://mail.example.com" }, /^EMAIL_FROM: required/],
  [{ ...from, SMTP_URL: "http://mail.example.com" }, /^SMTP_URL: the given value has the wrong format/],
  [{ ...from, SMTP_URL: "smtp://a:b%@mail.example.com" }, /^SMTP_URL: .*Encode special characters/],
  [
    { ...from, SMTP_URL: "smtp://a:b@mail.example.com", EMAIL_TLS: "off" },
    /^EMAIL_TLS: off would send the password/,
  ],
  [{ EMAIL_FROM: "a@example.com\r\nBcc: b@example.com" }, /^EMAIL_FROM: .*has the wrong format/],
  [
    { ...from, SMTP_URL: "smtp://127.0.0.1", DKIM_DOMAIN: "example.com" },
    /^DKIM_DOMAIN, .*set all three or none/,
  ],
])("%o is refused", (settings, message) => {
  expect(() => mail(settings)).toThrow(message);
});

test("a key for DKIM is an RSA key", () => {
  const dkim = { ...from, SMTP_URL: "smtp://127.0.0.1", DKIM_DOMAIN: "example.com", DKIM_SELECTOR: "one" };
  const format = { type: "pkcs8", format: "pem" } as const;
  const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { privateKey: ed25519 } = generateKeyPairSync("ed25519");
  const pem = String(rsa.export(format));
  const { server } = mail({ ...dkim, DKIM_PRIVATE_KEY: pem.replaceAll("\n", "\\n") });
  expect(server?.dkim?.privateKey).toBe(pem);
  for (const key of ["nonsense", String(ed25519.export(format))])
    expect(() => mail({ ...dkim, DKIM_PRIVATE_KEY: key })).toThrow(
      /^DKIM_PRIVATE_KEY: is not an RSA private key/,
    );
});

/** The settings of e-mail. */
import { createPrivateKey } from "node:crypto";
import Type, { type Static } from "typebox";
import { ConfigError } from "../errors.ts";

export const mailSettings = {
  SMTP_URL: Type.String({
    default: "",
    pattern: "^$|^smtps?://[^/?#]+/?$",
    description:
      "Mail server, such as `smtp://user:password@mail.example.com:587`; `smtps://` uses TLS from the start. If unset, EMAIL_HOST; without both, mail stays in the outbox.",
  }),
  EMAIL_HOST: Type.String({
    default: "",
    pattern: "^[^\\s/@]*$",
    description: "Name of the mail server, if SMTP_URL is not set.",
  }),
  EMAIL_PORT: Type.Integer({
    default: 587,
    minimum: 1,
    maximum: 65_535,
    description: "Port of EMAIL_HOST; 465 uses TLS from the start.",
  }),
  EMAIL_HOST_USER: Type.String({ default: "", description: "Username for EMAIL_HOST." }),
  EMAIL_HOST_PASSWORD: Type.String({ default: "", description: "Password for EMAIL_HOST." }),
  EMAIL_FROM: Type.String({
    default: "",
    pattern: "^$|^[^<>\\r\\n]*<[^\\s<>@]+@[^\\s<>@]+>$|^[^\\s<>@]+@[^\\s<>@]+$",
    description:
      "Sender, such as `Rowmill <rowmill@example.com>`. Required with a mail server. Its domain is part of every Message-ID.",
  }),
  EMAIL_TLS: Type.Enum(["required", "off"], {
    default: "required",
    description:
      "required: mail is sent with TLS only, except to this machine. off: without TLS, for a mail catcher; refused with a password.",
  }),
  DKIM_DOMAIN: Type.String({
    default: "",
    description: "Domain of the DKIM signature. If unset, the mail server signs, as most do.",
  }),
  DKIM_SELECTOR: Type.String({ default: "", description: "Selector of the DKIM key in the DNS." }),
  DKIM_PRIVATE_KEY: Type.String({
    default: "",
    description: "Private key for DKIM as PEM; `\\n` stands for a line break.",
  }),
  MAIL_PER_SECOND: Type.Integer({
    default: 10,
    minimum: 1,
    maximum: 1000,
    description: "Mails per second that all workers together hand to the mail server.",
  }),
  MAIL_UNCERTAIN: Type.Enum(["hold", "retry"], {
    default: "hold",
    description:
      "If the connection ends before the server has confirmed a mail: hold it for an operator, or retry and risk a second copy.",
  }),
  EMAIL_CONFIRMATION: Type.Enum(["required", "off"], {
    default: "required",
    description:
      "required: until users have confirmed their address with a link, they get only mails about their account. off: every address counts as confirmed, for installations whose users do not sign up themselves.",
  }),
  PASSWORD_RESETS_PER_HOUR: Type.Integer({
    default: 20,
    minimum: 0,
    maximum: 1_000_000,
    description: "Password resets that one address (IPv6: one /64) can request per hour; 0 means no limit.",
  }),
};

export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the start. Otherwise STARTTLS, which is required unless `isPlain`. */
  readonly isTls: boolean;
  readonly isPlain: boolean;
  readonly login: { readonly user: string; readonly password: string } | null;
  readonly dkim: { readonly domain: string; readonly selector: string; readonly privateKey: string } | null;
}

export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

export interface MailConfig {
  /** null: mail stays in the outbox. */
  readonly server: SmtpServer | null;
  readonly from: Mailbox;
  readonly perSecond: number;
  readonly uncertain: "hold" | "retry";
  /** Whether addresses must be confirmed before they get mails about work. */
  readonly mustConfirm: boolean;
}

const table = Type.Object(mailSettings);
type MailSettings = Static<typeof table>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1)$/i;

/** @throws ConfigError that names the setting */
export function readMailConfig(settings: MailSettings): MailConfig {
  const address = serverAddress(settings);
  const from = mailboxOf(settings.EMAIL_FROM || "Rowmill <rowmill@localhost>");
  const rest = {
    from,
    perSecond: settings.MAIL_PER_SECOND,
    uncertain: settings.MAIL_UNCERTAIN,
    mustConfirm: settings.EMAIL_CONFIRMATION === "required",
  };
  if (!address) return { server: null, ...rest };
  if (!settings.EMAIL_FROM)
    throw new ConfigError("EMAIL_FROM: required with a mail server, such as Rowmill <rowmill@example.com>.");
  const isPlain = settings.EMAIL_TLS === "off" || LOOPBACK.test(address.host);
  if (isPlain && address.login && !LOOPBACK.test(address.host))
    throw new ConfigError(
      "EMAIL_TLS: off would send the password of the mail server unencrypted. Remove it.",
    );
  return { server: { ...address, isPlain, dkim: readDkim(settings) }, ...rest };
}

function serverAddress(settings: MailSettings): Omit<SmtpServer, "isPlain" | "dkim"> | null {
  if (settings.SMTP_URL) {
    const { protocol, hostname, port, username, password } = urlOf(settings.SMTP_URL);
    const isTls = protocol === "smtps:";
    return {
      host: hostname.replace(/^\[|\]$/g, ""),
      port: Number(port) || (isTls ? 465 : 587),
      isTls,
      login: username ? { user: decodeURIComponent(username), password: decodeURIComponent(password) } : null,
    };
  }
  const {
    EMAIL_HOST: host,
    EMAIL_PORT: port,
    EMAIL_HOST_USER: user,
    EMAIL_HOST_PASSWORD: password,
  } = settings;
  return host ? { host, port, isTls: port === 465, login: user ? { user, password } : null } : null;
}

function urlOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.hostname && isDecodable(url.username + url.password)) return url;
  throw new ConfigError(
    "SMTP_URL: is not a URL such as smtp://user:password@mail.example.com:587. Encode special characters of the password, such as @ as %40.",
  );
}

function isDecodable(text: string): boolean {
  return !/%(?![0-9a-f]{2})/i.test(text);
}

function mailboxOf(text: string): Mailbox {
  const [, name = "", address = text] = /^(.*?)\s*<([^<>]+)>$/.exec(text) ?? [];
  return { name: name.replace(/^"|"$/g, ""), address };
}

function readDkim({ DKIM_DOMAIN: domain, DKIM_SELECTOR: selector, DKIM_PRIVATE_KEY: key }: MailSettings) {
  if (!domain && !selector && !key) return null;
  if (!domain || !selector || !key)
    throw new ConfigError("DKIM_DOMAIN, DKIM_SELECTOR and DKIM_PRIVATE_KEY: set all three or none.");
  const privateKey = key.replaceAll("\\n", "\n");
  if (!isRsaKey(privateKey))
    throw new ConfigError("DKIM_PRIVATE_KEY: is not an RSA private key as PEM, without a passphrase.");
  return { domain, selector, privateKey };
}

/** Mail is signed with RSA, which every receiver verifies (RFC 8301). */
function isRsaKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyType === "rsa";
  } catch {
    return false;
  }
}

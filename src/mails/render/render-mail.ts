/** Turns a stored mail into what is sent and shown. */
import type { Config } from "../../config/config.ts";
import type { Message } from "../../platform/smtp/smtp-client.ts";
import { domainOf } from "../addresses.ts";
import { confirmToken } from "../confirm-token.ts";
import { templateOf } from "../kinds/all.ts";
import type { Links } from "../kinds/kind.ts";
import { layOut } from "../layout/layout.ts";
import { oneLine } from "../layout/plain.ts";
import { resetToken } from "../reset-token.ts";
import { unsubscribeToken } from "../unsubscribe/token.ts";

export interface StoredMail {
  readonly id: string;
  readonly kind: string;
  readonly userId: number | null;
  readonly address: string;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const MAX_SUBJECT = 150;
const MAX_NAME = 100;
const REDACTED = "(hidden)";

/** @param isRedacted hides the links that give access to an account. @throws Error if the data does not fit the kind */
export function renderMail(config: Config, mail: StoredMail, { isRedacted = false } = {}): Message {
  const { template, data } = templateOf(mail);
  const { publicUrl: home, jwtSecret } = config;
  const links: Links = {
    home,
    reset: (id) => `${home}/reset-password#${isRedacted ? REDACTED : resetToken(jwtSecret, id)}`,
    confirm: confirmUrlOf(config, mail),
  };
  const name = oneLine(mail.name, MAX_NAME);
  const subscription = template.subscription(data);
  const unsubscribeUrl = subscription && unsubscribeUrlOf(config, mail, subscription);
  const title = template.title(data);
  return {
    messageId: messageIdOf(config, mail.id),
    from: config.mail.from,
    to: { name, address: mail.address },
    subject: oneLine(title, MAX_SUBJECT),
    ...layOut({
      title: oneLine(title, MAX_SUBJECT),
      greeting: name ? `Hello ${name},` : "Hello,",
      blocks: template.blocks(data, links),
      reason: template.reason,
      home,
      ...(unsubscribeUrl ? { unsubscribeUrl } : {}),
    }),
    headers: unsubscribeUrl
      ? {
          "List-Unsubscribe": `<${unsubscribeUrl}>`,
          "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
      : {},
  };
}

/** The same for every attempt, so that receivers can recognize a second copy. */
export function messageIdOf({ mail }: Pick<Config, "mail">, id: string): string {
  return `<mail.${id}@${domainOf(mail.from.address)}>`;
}

function confirmUrlOf(config: Config, { userId, address }: StoredMail): string | null {
  if (userId === null || !config.mail.mustConfirm) return null;
  return `${config.publicUrl}/api/v1/confirm-email?token=${confirmToken(config.jwtSecret, { userId, address })}`;
}

function unsubscribeUrlOf(
  { publicUrl, jwtSecret }: Config,
  { userId, address }: StoredMail,
  subscription: Parameters<typeof unsubscribeToken>[2],
): string {
  const subscriber = userId === null ? { address } : { userId };
  return `${publicUrl}/api/v1/unsubscribe?token=${unsubscribeToken(jwtSecret, subscriber, subscription)}`;
}

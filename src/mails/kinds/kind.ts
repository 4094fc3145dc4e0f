/** The contract of a kind of mail. */
import type { Kind } from "../../announcements/kinds.ts";
import type { Block } from "../layout/blocks.ts";
import type { MailData, MailKind } from "../mail-data.ts";

export interface Links {
  /** PUBLIC_URL, without a slash at its end. */
  readonly home: string;
  /** Returns the link of a password reset. */
  readonly reset: (resetId: string) => string;
  /** Confirms the address of the mail; null: it need not be confirmed. */
  readonly confirm: string | null;
}

/** The mails that an unsubscribe link turns off: those of an announcement, or messages to many people. */
export type Subscription = Kind | "bulk_message";

export interface MailTemplate<K extends MailKind = MailKind> {
  readonly description: string;
  /** The mail is pointless this long after its event. Absent: after MAX_AGE_HOURS. */
  readonly maxAgeHours?: number;
  /** null: the mail cannot be turned off. */
  subscription(data: MailData[K]): Subscription | null;
  /** Also the subject. */
  title(data: MailData[K]): string;
  blocks(data: MailData[K], links: Links): readonly Block[];
  /** Why the recipient gets the mail; a sentence. */
  readonly reason: string;
}

/**
 * Tells refusals of an address from refusals of a mail. Few servers send reliable codes: the same 550 means "no such user"
 * and "your network is on a block list". An address that is suppressed by mistake gets no mail any more, so when in doubt
 * only the mail is refused.
 */

/**
 * Enhanced codes (RFC 3463) of addresses that do not exist, and 5.2.1, a mailbox that was closed. 5.1.7 and 5.1.8 are about
 * the sender, and 5.1.0 is any trouble with any address.
 */
const NO_SUCH_ADDRESS = /^\d{3}[ -]5\.(1\.(1|2|3|6|10)|2\.1)\b/;

/** The texts of Postfix, Exim, qmail, Sendmail, Gmail, Microsoft 365, Yahoo and others for an unknown mailbox. */
const UNKNOWN_MAILBOX = [
  /\b(user|recipient|mailbox|account|address) (is )?unknown\b/,
  /\bunknown (user|recipient|mailbox|account|(local|destination|recipient) (user|mailbox|address))\b/,
  /\bno such (local )?(user|recipient|mailbox|account|address|person)\b/,
  /\b(user|recipient|mailbox|account|address)\b.{0,40}\b(does not|doesn.?t) exist\b/,
  /\b(user|recipient|mailbox|account|address) (was |is )?not found\b/,
  /\bunroute?able address\b/,
  /\bthis user does(n.?t| not) have an?\b.{0,20}\baccount\b/,
  /\bno mailbox (here )?by that name\b/,
  /\bnot a (valid|known) (user|recipient|mailbox|account)\b/,
  /\binvalid (user|recipient|mailbox)\b/,
  /\b(mailbox|account)\b.{0,40}\b(is|was|has been) (disabled|inactive|deactivated|closed)\b/,
];

/** Refusals because of the sender, its network or the content, and mailboxes that get too much mail at the moment. */
const OF_THE_MAIL =
  /spam|junk|virus|malware|phish|abus|blocked|block ?list|black ?list|deny ?list|dnsbl|\brbl\b|listed|reputation|policy|policies|prohibit|not (permitted|allowed|authorized)|access denied|relay(ing)? (access )?(denied|not)|\bspf\b|\bdkim\b|\bdmarc\b|authenti|\bsender\b|client host|\bip\b|grey ?list|gray ?list|too (many|quickly|fast)|\brate\b|quota|over ?quota|\bfull\b/;

/** Names that servers quote: addresses, URLs and hosts, such as spam@example.com. */
const QUOTED_NAMES = /\S*@\S*|https?:\S+|[\w-]+(\.[\w-]+)*\.[a-z][\w-]*/g;

/** @param reply the answer of a mail server to RCPT TO or DATA, as one line */
export function isAboutAddress(reply: string): boolean {
  const text = reply.toLowerCase().replaceAll(QUOTED_NAMES, " ").replaceAll(/\s+/g, " ");
  if (OF_THE_MAIL.test(text)) return false;
  return NO_SUCH_ADDRESS.test(reply) || UNKNOWN_MAILBOX.some((wording) => wording.test(text));
}

/** Sends mail over SMTP. Only this file imports nodemailer. */
import type { Readable } from "node:stream";
import type { Mailbox, SmtpServer } from "../../config/mail.ts";
import { outcomeOfError, replyOf, type SmtpError, type SmtpOutcome } from "./outcome.ts";

export interface Message {
  /** With angle brackets. */
  readonly messageId: string;
  readonly from: Mailbox;
  readonly to: Mailbox;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Mails that a process hands over at a time. */
export const SMTP_CONNECTIONS = 2;
const CONNECT_MS = 10_000;
/** Between two answers of the server. */
const IDLE_MS = 30_000;
/** For the whole mail: a server that answers one byte at a time is never idle. */
export const SEND_SECONDS = 50;

/** nodemailer writes the address into a command. */
const UNSAFE_ADDRESS = /[\s\p{C}<>]/u;

export class SmtpClient {
  readonly #server: SmtpServer;
  readonly #limitMs: number | undefined;
  /** null: no mail was sent yet. */
  #pool: ReturnType<typeof openPool> | null = null;
  /** The content of each mail that is being sent, by its Message-ID. */
  readonly #contents = new Map<string, Readable>();

  /** Connects when the first mail is sent. @param limitMs for each answer of the server; absent: as for mail */
  constructor(server: SmtpServer, limitMs?: number) {
    this.#server = server;
    this.#limitMs = limitMs;
  }

  /** Never throws. @param signal gives up, which leaves the outcome uncertain once the content was sent */
  async send(message: Message, signal?: AbortSignal): Promise<SmtpOutcome> {
    const { messageId, to } = message;
    if (UNSAFE_ADDRESS.test(to.address))
      return { kind: "refused", reply: "The address is not valid.", isAddress: true };
    const limits = [AbortSignal.timeout(SEND_SECONDS * 1000), ...(signal ? [signal] : [])];
    try {
      const pool = await this.#open();
      const sending: Promise<{ response: string }> = pool.sendMail({
        ...message,
        from: { ...message.from },
        to: { ...to },
        headers: { ...message.headers, "Auto-Submitted": "auto-generated" },
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: AbortSignal.any(limits),
      });
      return { kind: "accepted", reply: replyOf((await sending).response) };
    } catch (error) {
      // The content is read once the server has accepted the recipient and DATA.
      const isContentSent = this.#contents.get(messageId)?.readableDidRead ?? false;
      return outcomeOfError(error as SmtpError, isContentSent);
    } finally {
      this.#contents.delete(messageId);
    }
  }

  /** Connects and logs in, without sending a mail. @returns the problem; null: the server can be used */
  async verify(): Promise<string | null> {
    try {
      const pool = await this.#open();
      await pool.verify();
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** Ends all connections, also those that send. */
  async close(): Promise<void> {
    const pool = await this.#pool;
    pool?.close({ force: true });
  }

  #open(): ReturnType<typeof openPool> {
    this.#pool ??= openPool(this.#server, this.#limitMs, this.#contents);
    return this.#pool;
  }
}

/**
 * Most processes send no mail, and nodemailer takes 10 MB, so the first mail loads it.
 * @param contents receives the content of each mail whose sending begins
 */
async function openPool(
  { host, port, isTls, isPlain, login, dkim }: SmtpServer,
  limitMs: number | undefined,
  contents: Map<string, Readable>,
) {
  const { createTransport } = await import("nodemailer");
  const pool = createTransport({
    pool: true,
    host,
    port,
    secure: isTls,
    requireTLS: !isPlain,
    ignoreTLS: isPlain && !isTls,
    ...(login ? { auth: { user: login.user, pass: login.password } } : {}),
    ...(dkim
      ? { dkim: { domainName: dkim.domain, keySelector: dkim.selector, privateKey: dkim.privateKey } }
      : {}),
    maxConnections: SMTP_CONNECTIONS,
    // nodemailer repeats a mail whose content it has not sent, such as on a connection that the server had closed.
    maxRequeues: 1,
    connectionTimeout: limitMs ?? CONNECT_MS,
    greetingTimeout: limitMs ?? CONNECT_MS,
    socketTimeout: limitMs ?? IDLE_MS,
  });
  pool.use("stream", ({ data, message }, done) => {
    const open = message.createReadStream.bind(message);
    message.createReadStream = (options) => {
      const content = open(options);
      if (data.messageId) contents.set(data.messageId, content);
      return content;
    };
    done();
  });
  return pool;
}

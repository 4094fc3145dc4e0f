/** A real SMTP server on loopback. Each address can get its own answer, which can change. */
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import { SMTPServer, type SMTPServerSession } from "smtp-server";

/** A number: the answer to the recipient. `content`: the answer to the content. */
type Answer =
  | number
  | { readonly content: number }
  | "lose after content"
  | "hang at recipient"
  | "hang after content";

export interface ReceivedMail {
  readonly to: string;
  readonly content: string;
  readonly messageId: string;
}

export class MailServer implements AsyncDisposable {
  /** Mails whose whole content has arrived, whatever the answer was. */
  readonly received: ReceivedMail[] = [];
  /** Recipients that clients have named. */
  readonly named: string[] = [];
  readonly #answers = new Map<string, Answer>();
  readonly #sockets = new Map<string, Socket>();
  readonly #server: SMTPServer;

  constructor(password?: string) {
    this.#server = new SMTPServer({
      authOptional: password === undefined,
      allowInsecureAuth: true,
      disabledCommands: ["STARTTLS"],
      onAuth: (auth, _, done) =>
        auth.password === password
          ? done(null, { user: auth.username })
          : done(answer(535, "5.7.8 Wrong password")),
      onRcptTo: ({ address }, _, done) => {
        this.named.push(address);
        const own = this.#answers.get(address);
        if (own === "hang at recipient") return;
        if (typeof own === "number") done(answer(own, `${Math.floor(own / 100)}.1.1 Not this mailbox`));
        else done();
      },
      onData: (stream, session, done) => {
        void text(stream).then((content) => this.#take(content, session, done));
      },
      closeTimeout: 1,
    });
    this.#server.on("error", () => {}); // Tests end connections in the middle.
    this.#server.server.on("connection", (socket: Socket) => {
      this.#sockets.set(`${socket.remotePort}`, socket);
      socket.once("close", () => this.#sockets.delete(`${socket.remotePort}`));
    });
  }

  async start(): Promise<this> {
    const listening = once(this.#server.server, "listening");
    this.#server.listen(0, "127.0.0.1");
    await listening;
    return this;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  /** The settings of a Rowmill that sends its mail to this server. */
  get settings(): NodeJS.ProcessEnv {
    return { SMTP_URL: this.url, EMAIL_FROM: "Rowmill <rowmill@rowmill.test>", MAIL_PER_SECOND: "1000" };
  }

  /** From now on this address gets this answer; null: it accepts mail again. */
  answerTo(address: string, own: Answer | null): void {
    if (own === null) this.#answers.delete(address);
    else this.#answers.set(address, own);
  }

  mailsTo(address: string): ReceivedMail[] {
    return this.received.filter(({ to }) => to === address);
  }

  #take(content: string, { envelope, remotePort }: Session, done: (error?: Error) => void): void {
    const to = envelope.rcptTo[0]?.address ?? "";
    const messageId = /^Message-ID: (.*)$/im.exec(content)?.[1]?.trim() ?? "";
    this.received.push({ to, content, messageId });
    const own = this.#answers.get(to);
    if (own === "lose after content") this.#sockets.get(`${remotePort}`)?.destroy();
    else if (typeof own === "object") done(answer(own.content, "No"));
    else if (own !== "hang after content") done();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets.values()) socket.destroy();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }
}

type Session = SMTPServerSession & { readonly remotePort?: number };

function answer(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

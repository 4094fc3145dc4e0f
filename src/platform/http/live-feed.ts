/** Things that are watched live: one read a change, however many watch, told as server-sent events. */
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { DomainError } from "../../errors.ts";
import type { Log } from "../log.ts";
import type { ChangeListener } from "../postgres/change-listener.ts";
import { problems } from "./errors.ts";
import { EventStream, formatEvent } from "./sse.ts";

/** At most four a second. */
const INTERVAL_MS = 250;
/** Also without a published change, in case a verb forgets to publish one. */
const RECHECK_MS = 15_000;
const RETRY_MS = 1000;

/** What a watcher gets each time that the thing is read; the same version may come again. */
interface News {
  readonly version: string;
  /** The event that shows it. */
  readonly event: string;
  /** The event behind it, where it will not change any more. */
  readonly end: string | null;
}

/** null: no more news will come, the thing was removed or the program ends. */
type Watcher = (news: News | null) => void;

/** A thing as it is shown. */
interface Shown {
  /** The same facts always have the same version. */
  readonly version: string;
  readonly data: unknown;
  readonly hasEnded: boolean;
}

export interface Feed<Subject> {
  /** The name of its events. */
  readonly event: string;
  /** Where changes are told, with the subject's id. */
  readonly channel: string;
  /** The subject as it is now. @throws DomainError `not_found` where it was removed */
  readonly read: (subject: Subject) => Promise<Subject>;
  readonly show: (subject: Subject) => Shown;
}

interface Described {
  /** As in "The task has ended". */
  readonly what: string;
  /** When its event comes. */
  readonly whenever: string;
  /** The data of an event, shortened. */
  readonly example: string;
}

/** The route of a feed, but for its tags, parameters and summary. */
export function streamSchema({ what, whenever, example }: Described) {
  const stream = `retry: 2000\n\nevent: ${what}\nid: 5Zr0bPLfbWAW6ZP5U9dWaQ\ndata: ${example}\n\n`;
  return {
    description:
      `Server-sent events. \`${what}\` has the ${what} as GET returns it; it is sent at once, and again whenever ` +
      `${whenever}, at most four times per second. \`end\` has the same data and is sent after the ${what} has ended; then ` +
      "the stream closes. A comment every 15 seconds keeps the connection open. A client that reconnects with " +
      "`Last-Event-ID` gets only newer events, or 204 if there will be no more, which stops an EventSource.",
    headers: Type.Object({
      "last-event-id": Type.Optional(
        Type.String({
          maxLength: 100,
          description: "The `id` of the last event that the client received.",
          examples: ["5Zr0bPLfbWAW6ZP5U9dWaQ"],
        }),
      ),
    }),
    response: {
      200: {
        description: "A stream of events.",
        content: { "text/event-stream": { schema: Type.String({ examples: [stream] }) } },
      },
      204: Type.Null({ description: `The ${what} has ended, and the client has its last event.` }),
      ...problems(400, 401, 404),
    },
  };
}

/** What the last event of a thing that has ended is known by. */
const endIdOf = (version: string) => `${version}.end`;

export class LiveFeed<Subject extends { readonly id: string }> {
  readonly #feed: Feed<Subject>;
  readonly #listener: ChangeListener;
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();
  #stopListening: (() => void) | null = null;

  constructor(feed: Feed<Subject>, { listener, log }: { listener: ChangeListener; log: Log }) {
    this.#feed = feed;
    this.#listener = listener;
    this.#log = log;
  }

  /**
   * Answers with the subject's events until it has ended, 204 where the client has heard its last one. The caller
   * has read it just now, for a client that may see it.
   * @param lastEventId of the last event that the client has heard
   */
  answer(subject: Subject, lastEventId: string | undefined, reply: FastifyReply): FastifyReply {
    const { version, hasEnded } = this.#feed.show(subject);
    if (hasEnded && lastEventId === endIdOf(version)) return reply.code(204).send(null);
    let heard = lastEventId;
    const stream = new EventStream();
    const stop = this.#watch(subject, (news) => {
      const event = news && news.version !== heard ? news.event : "";
      if (event || news?.end) stream.send(event + (news?.end ?? ""));
      heard = news?.version;
      if (news && !news.end) return;
      stop();
      stream.end();
    });
    stream.onClose(stop);
    return stream.answer(reply);
  }

  close(): void {
    this.#stopListening?.();
    for (const watched of this.#watched.values()) watched.tell(null);
  }

  /** The first news come at once. @returns what ends it */
  #watch(subject: Subject, watcher: Watcher): () => void {
    this.#stopListening ??= this.#listener.listen(this.#feed.channel, (id) => this.#changed(id));
    const { id } = subject;
    const watched = this.#watched.get(id) ?? new Watched(() => this.#read(subject), this.#log.child({ id }));
    this.#watched.set(id, watched);
    watched.watchers.add(watcher);
    watched.refresh();
    return () => {
      watched.watchers.delete(watcher);
      if (watched.watchers.size > 0) return;
      watched.close();
      if (this.#watched.get(id) === watched) this.#watched.delete(id);
    };
  }

  #changed(id: string | null): void {
    if (id !== null) this.#watched.get(id)?.refresh();
    else for (const watched of this.#watched.values()) watched.refresh();
  }

  async #read(subject: Subject): Promise<News> {
    const { version, data, hasEnded } = this.#feed.show(await this.#feed.read(subject));
    return {
      version,
      event: formatEvent({ event: this.#feed.event, id: version, data }),
      end: hasEnded ? formatEvent({ event: "end", id: endIdOf(version), data }) : null,
    };
  }
}

class Watched {
  readonly watchers = new Set<Watcher>();
  readonly #readNews: () => Promise<News>;
  readonly #log: Log;
  readonly #recheck: NodeJS.Timeout;
  #next: NodeJS.Timeout | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #isReading = false;
  /** Told of a change while a read was under way that may not have seen it. */
  #isStale = false;
  #isClosed = false;

  constructor(readNews: () => Promise<News>, log: Log) {
    this.#readNews = readNews;
    this.#log = log;
    this.#recheck = setInterval(() => this.refresh(), RECHECK_MS).unref();
  }

  /** Reads it as soon as the last read is long enough ago. */
  refresh(): void {
    if (this.#isReading) this.#isStale = true;
    else this.#readIn(this.#readAt + INTERVAL_MS - performance.now());
  }

  tell(news: News | null): void {
    for (const watcher of this.watchers) watcher(news);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#recheck);
    if (this.#next) clearTimeout(this.#next);
  }

  #readIn(ms: number): void {
    if (this.#isClosed) return;
    this.#next ??= setTimeout(() => void this.#read(), Math.max(0, ms));
  }

  async #read(): Promise<void> {
    this.#next = null;
    this.#isReading = true;
    this.#isStale = false;
    this.#readAt = performance.now();
    try {
      this.tell(await this.#readNews());
    } catch (error) {
      if (error instanceof DomainError && error.code === "not_found") {
        this.tell(null);
      } else {
        this.#log.warn({ err: error }, "what is watched could not be read");
        this.#readIn(RETRY_MS);
      }
    } finally {
      this.#isReading = false;
    }
    if (this.#isStale) this.refresh();
  }
}

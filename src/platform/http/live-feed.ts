/** Live views of things as server-sent events. Each change causes one read, however many clients watch. */
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { DomainError } from "../../errors.ts";
import type { Log } from "../log.ts";
import type { ChangeListener } from "../postgres/change-listener.ts";
import { problems } from "./errors.ts";
import { EVENT_STREAM, EventStream, formatEvent } from "./sse.ts";

/** The shortest time between two reads of one thing: at most four reads per second. */
const INTERVAL_MS = 250;
/** Reads also without a published change, in case a verb forgets to publish one. */
const RECHECK_MS = 15_000;
const RETRY_MS = 1000;

/** The events for one state of a thing. */
interface Update {
  readonly version: string;
  /** The event with the data. */
  readonly event: string;
  /** The last event, if the thing has ended. */
  readonly end: string | null;
}

/** Called after each read, also if the version is the same. null: the thing was removed, or the program ends. */
type Watcher = (update: Update | null) => void;

/** The state of a thing for its watchers. */
interface Shown {
  /** Equal states have equal versions. */
  readonly version: string;
  readonly data: unknown;
  readonly hasEnded: boolean;
}

export interface Feed<Subject> {
  /** The name of the events. */
  readonly event: string;
  /** The channel on which changes are published, with the id of the subject. */
  readonly channel: string;
  /** Reads the current subject. @throws DomainError `not_found` if it was removed */
  readonly read: (subject: Subject) => Promise<Subject>;
  readonly show: (subject: Subject) => Shown;
}

interface Described {
  /** The noun, as in "The task has ended". */
  readonly what: string;
  /** When an event is sent, to follow "whenever". */
  readonly whenever: string;
  /** The data of an event, shortened. */
  readonly example: string;
}

/** Returns the schema of a feed's route, without tags, parameters and summary. */
export function streamSchema({ what, whenever, example }: Described) {
  const stream = `retry: 2000\n\nevent: ${what}\nid: 5Zr0bPLfbWAW6ZP5U9dWaQ\ndata: ${example}\n\n`;
  return {
    description:
      `Server-sent events. \`${what}\` has the ${what} as its list shows it; it is sent at once, and again whenever ` +
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
        content: { [EVENT_STREAM]: { schema: Type.String({ examples: [stream] }) } },
      },
      204: Type.Null({ description: `The ${what} has ended, and the client has its last event.` }),
      ...problems(400, 401, 404),
    },
  };
}

/** The id of the event `end`. */
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
   * Answers with events until the subject has ended, or with 204 if the client has received the last event.
   * @param subject read by the caller just now, which has checked that the client may see it
   * @param lastEventId the id of the last event that the client received
   */
  answer(subject: Subject, lastEventId: string | undefined, reply: FastifyReply): FastifyReply {
    const { version, hasEnded } = this.#feed.show(subject);
    if (hasEnded && lastEventId === endIdOf(version)) return reply.code(204).send(null);
    if (reply.request.method === "HEAD") return reply.type(EVENT_STREAM).send("");
    let sent = lastEventId;
    const stream = new EventStream({ hold: reply.request.answer });
    const stop = this.#watch(subject, (update) => {
      const event = update && update.version !== sent ? update.event : "";
      if (event || update?.end) stream.send(event + (update?.end ?? ""));
      sent = update?.version;
      if (update && !update.end) return;
      stop();
      stream.end();
    });
    const { login, server } = reply.request;
    const stopWatchingLogin = login ? server.verifiers.watch(login, () => stream.end()) : () => {};
    stream.onClose(() => {
      stop();
      stopWatchingLogin();
    });
    return stream.answer(reply);
  }

  close(): void {
    this.#stopListening?.();
    for (const watched of this.#watched.values()) watched.notify(null);
  }

  /** Calls the watcher with the current state first. @returns a function that removes the watcher */
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

  async #read(subject: Subject): Promise<Update> {
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
  readonly #readUpdate: () => Promise<Update>;
  readonly #log: Log;
  readonly #recheck: NodeJS.Timeout;
  #next: NodeJS.Timeout | null = null;
  #readAt = Number.NEGATIVE_INFINITY;
  #isReading = false;
  /** Whether a change was published during a read, which may have missed it. */
  #isStale = false;
  #isClosed = false;

  constructor(readUpdate: () => Promise<Update>, log: Log) {
    this.#readUpdate = readUpdate;
    this.#log = log;
    this.#recheck = setInterval(() => this.refresh(), RECHECK_MS).unref();
  }

  /** Reads the thing as soon as the interval since the last read has passed. */
  refresh(): void {
    if (this.#isReading) this.#isStale = true;
    else this.#readIn(this.#readAt + INTERVAL_MS - performance.now());
  }

  notify(update: Update | null): void {
    for (const watcher of this.watchers) watcher(update);
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
      this.notify(await this.#readUpdate());
    } catch (error) {
      if (error instanceof DomainError && error.code === "not_found") {
        this.notify(null);
      } else {
        this.#log.warn({ err: error }, "cannot read a thing that clients watch; retrying");
        this.#readIn(RETRY_MS);
      }
    } finally {
      this.#isReading = false;
    }
    if (this.#isStale) this.refresh();
  }
}

/** Lists that only grow, as server-sent events: a client gets every item, also those of the time without a connection. */
import type { FastifyReply } from "fastify";
import type { Log } from "../log.ts";
import type { ChangeListener } from "../postgres/change-listener.ts";
import { EVENT_STREAM, EventStream, formatEvent } from "./sse.ts";

/** The shortest time between two reads for one client. */
const INTERVAL_MS = 250;
/** Reads also without a published change, in case a verb forgets to publish one. */
const RECHECK_MS = 15_000;

interface Entry {
  readonly id: string;
}

export interface LogSource<Item extends Entry> {
  /** The name of the events. */
  readonly event: string;
  /** The channel on which new items are published, with the key of the list. */
  readonly channel: string;
  /**
   * Reads the next items of the list that are not in `sent`, oldest first. Items can become visible after later ones, so
   * that it must look further back than the last item.
   */
  readonly read: (list: string, last: string, sent: ReadonlySet<string>) => Promise<Item[]>;
  readonly view: (item: Item) => unknown;
}

/** The ids that a connection remembers, so that it sends no item twice. */
const MAX_SENT = 2000;

export class LogFeed<Item extends Entry> {
  readonly #source: LogSource<Item>;
  readonly #listener: ChangeListener;
  readonly #log: Log;
  readonly #followers = new Map<string, Set<Follower<Item>>>();
  #stopListening: (() => void) | null = null;

  constructor(source: LogSource<Item>, { listener, log }: { listener: ChangeListener; log: Log }) {
    this.#source = source;
    this.#listener = listener;
    this.#log = log;
  }

  /** Answers with the items after `last`, until the client disconnects or its login ends. */
  answer(list: string, last: string, reply: FastifyReply): FastifyReply {
    if (reply.request.method === "HEAD") return reply.type(EVENT_STREAM).send("");
    this.#stopListening ??= this.#listener.listen(this.#source.channel, (changed) => this.#changed(changed));
    const stream = new EventStream({ hold: reply.request.answer });
    const follower = new Follower(this.#source, list, last, stream, this.#log);
    const followers = this.#followers.get(list) ?? new Set();
    this.#followers.set(list, followers.add(follower));
    const { login, server } = reply.request;
    const stopWatchingLogin = login ? server.verifiers.watch(login, () => stream.end()) : () => {};
    stream.onClose(() => {
      follower.close();
      stopWatchingLogin();
      followers.delete(follower);
      if (followers.size === 0 && this.#followers.get(list) === followers) this.#followers.delete(list);
    });
    follower.refresh();
    return stream.answer(reply);
  }

  close(): void {
    this.#stopListening?.();
    for (const followers of this.#followers.values()) for (const follower of followers) follower.end();
  }

  #changed(list: string | null): void {
    const lists = list === null ? this.#followers.values() : [this.#followers.get(list) ?? []];
    for (const followers of lists) for (const follower of followers) follower.refresh();
  }
}

/** One connection. */
class Follower<Item extends Entry> {
  readonly #source: LogSource<Item>;
  readonly #list: string;
  readonly #stream: EventStream;
  readonly #log: Log;
  readonly #recheck: NodeJS.Timeout;
  readonly #sent = new Set<string>();
  #last: string;
  #next: NodeJS.Timeout | null = null;
  #isReading = false;
  /** Whether a change was published during a read, which may have missed it. */
  #isStale = false;
  #isClosed = false;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(source: LogSource<Item>, list: string, last: string, stream: EventStream, log: Log) {
    this.#source = source;
    this.#list = list;
    this.#last = last;
    this.#stream = stream;
    this.#log = log;
    this.#recheck = setInterval(() => this.refresh(), RECHECK_MS).unref();
    stream.onDrain(() => this.refresh());
  }

  refresh(): void {
    if (this.#isClosed || this.#stream.isFull) return;
    if (this.#isReading) this.#isStale = true;
    else
      this.#next ??= setTimeout(
        () => void this.#read(),
        Math.max(0, this.#readAt + INTERVAL_MS - performance.now()),
      );
  }

  end(): void {
    this.#stream.end();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#recheck);
    if (this.#next) clearTimeout(this.#next);
  }

  async #read(): Promise<void> {
    this.#next = null;
    this.#isReading = true;
    this.#isStale = false;
    this.#readAt = performance.now();
    try {
      this.#send(await this.#source.read(this.#list, this.#last, this.#sent));
    } catch (error) {
      // The next change, or the recheck, reads again.
      this.#log.warn({ err: error }, "cannot read a list that clients follow");
    } finally {
      this.#isReading = false;
    }
    if (this.#isStale) this.refresh();
  }

  #send(items: readonly Item[]): void {
    if (items.length === 0) return;
    for (const { id } of items) {
      this.#sent.add(id);
      if (id > this.#last) this.#last = id;
    }
    for (const id of this.#sent) {
      if (this.#sent.size <= MAX_SENT) break;
      this.#sent.delete(id);
    }
    const { event, view } = this.#source;
    this.#stream.send(items.map((item) => formatEvent({ event, id: item.id, data: view(item) })).join(""));
    // The list may go on.
    this.#isStale = true;
  }
}

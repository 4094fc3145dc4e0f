import type { EventStream } from "../../platform/http/sse.ts";
import type { ChangeFeed } from "./change-feed.ts";

/**
 * Sends the current states of the things, and each change. While the client does not read, only the ids of changed things
 * wait, so that it gets the newest state of each of them.
 * @returns a function that stops it
 */
export function sendChanges(stream: EventStream, feed: ChangeFeed, ids: ReadonlySet<string>): () => void {
  const sent = new Map<string, string>();
  const waiting = new Set<string>();
  stream.onDrain(() => {
    feed.refresh(waiting);
    waiting.clear();
  });
  return feed.follow(ids, ({ id, version, event }) => {
    if (sent.get(id) === version) return;
    if (stream.isFull) {
      waiting.add(id);
      return;
    }
    stream.send(event);
    sent.set(id, version);
  });
}

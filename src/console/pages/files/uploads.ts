/** Uploads of files, one after the other. They go on while other pages are shown. */
import { useSyncExternalStore } from "react";
import { randomKey } from "../../../client/keys.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { showDone } from "../../parts/feedback.tsx";
import { fileWords as words } from "../../words/files.ts";

export interface Upload {
  readonly id: string;
  readonly file: File;
  readonly state: "waiting" | "sending" | "failed";
  readonly sent: number;
  readonly error: unknown;
}

let uploads: readonly Upload[] = [];
const listeners = new Set<() => void>();
let running: { readonly id: string; readonly abort: AbortController } | null = null;

function set(next: readonly Upload[]): void {
  uploads = next;
  // The browser asks before it closes a page that still sends.
  const isBusy = uploads.some(({ state }) => state !== "failed");
  (isBusy ? addEventListener : removeEventListener)("beforeunload", warn);
  for (const listener of listeners) listener();
}

function warn(event: BeforeUnloadEvent): void {
  event.preventDefault();
}

function update(id: string, changes: Partial<Upload>): void {
  set(uploads.map((upload) => (upload.id === id ? { ...upload, ...changes } : upload)));
}

export function addUploads(files: readonly File[]): void {
  const added = files.map((file) => ({
    id: randomKey(),
    file,
    state: "waiting" as const,
    sent: 0,
    error: null,
  }));
  set([...uploads, ...added]);
  void sendNext();
}

/** Cancels an upload, or removes one that has failed. */
export function removeUpload(id: string): void {
  if (running?.id === id) running.abort.abort();
  set(uploads.filter((upload) => upload.id !== id));
}

async function sendNext(): Promise<void> {
  const next = uploads.find(({ state }) => state === "waiting");
  if (running || !next) return;
  const { id, file } = next;
  const abort = new AbortController();
  running = { id, abort };
  update(id, { state: "sending" });
  try {
    // Renews the session first if needed: an upload with progress cannot be repeated after it.
    await client.get("/api/v1/auth/me");
    await client.uploadFile(file, {
      signal: abort.signal,
      onProgress: ({ sent }) => update(id, { sent: Math.min(sent, file.size) }),
    });
    removeUpload(id);
    showDone(words.uploaded(file.name));
    void invalidate("/api/v1/files");
    void invalidate("/api/v1/auth/me/usage");
  } catch (error) {
    if (!abort.signal.aborted) update(id, { state: "failed", error });
  } finally {
    running = null;
    void sendNext();
  }
}

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => uploads,
  );
}

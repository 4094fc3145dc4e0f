/** Sends the file, with progress, and opens the batch. */
import { useBlocker, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import type { BatchOptions } from "../../../client/client.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { announce } from "../../parts/announce.ts";
import { formatShare } from "../../parts/format.ts";
import { importWords } from "../../words/imports.ts";

const words = importWords.upload;
const PATH = "/import";

export type UploadState =
  | { readonly kind: "idle" | "cancelled" | "file-changed" }
  | { readonly kind: "sending"; readonly sent: number; readonly total: number; readonly startedAt: number }
  | { readonly kind: "refused"; readonly error: unknown; readonly at: number }
  | { readonly kind: "replayed"; readonly batchId: string };

export interface Upload {
  readonly state: UploadState;
  start(file: File, fields: BatchOptions): Promise<void>;
  cancel(): void;
}

const IDLE: UploadState = { kind: "idle" };

/** @param file the chosen one. The outcome of another file is not shown. */
export function useUpload(file: File | null): Upload {
  const [last, setLast] = useState<{ readonly file: File | null; readonly state: UploadState }>({
    file: null,
    state: IDLE,
  });
  const state = last.file === file ? last.state : IDLE;
  const abort = useRef<AbortController | null>(null);
  const navigate = useNavigate();
  const isSending = state.kind === "sending";
  // The state of the last render is too old when the upload has just ended.
  const isBlocking = useRef(false);

  useEffect(() => () => abort.current?.abort(), []);
  useBlocker({
    disabled: !isSending,
    enableBeforeUnload: isSending,
    shouldBlockFn: ({ next }) => isBlocking.current && next.pathname !== PATH && !confirm(words.leave),
  });

  const send = async (
    file: File,
    fields: BatchOptions,
    signal: AbortSignal,
    startedAt: number,
  ): Promise<UploadState | string> => {
    try {
      // Renews an access token that has expired: it must be valid when the upload starts.
      await client.get("/api/v1/targets", { signal });
      const batch = await client.uploadBatch(file, {
        ...fields,
        signal,
        onProgress: ({ sent, total }) => {
          setLast({ file, state: { kind: "sending", sent, total: total ?? file.size, startedAt } });
          announce(words.percent(formatShare(sent / (total || 1))));
        },
      });
      return batch.replayed ? { kind: "replayed", batchId: batch.id } : batch.id;
    } catch (error) {
      if (signal.aborted) return { kind: "cancelled" };
      return (await isUnchanged(file))
        ? { kind: "refused", error, at: Date.now() }
        : { kind: "file-changed" };
    }
  };

  return {
    state,
    async start(file, fields) {
      const controller = new AbortController();
      abort.current = controller;
      isBlocking.current = true;
      const startedAt = Date.now();
      setLast({ file, state: { kind: "sending", sent: 0, total: file.size, startedAt } });
      const result = await send(file, fields, controller.signal, startedAt);
      isBlocking.current = false;
      if (typeof result !== "string") return setLast({ file, state: result });
      setLast({ file, state: IDLE });
      announce(words.accepted, true);
      void invalidate("/api/v1/batches");
      void navigate({ to: `/batches/${result}` });
    },
    cancel: () => abort.current?.abort(new DOMException("cancelled", "AbortError")),
  };
}

/** Browsers refuse to read a file that was changed or moved since it was chosen. */
async function isUnchanged(file: File): Promise<boolean> {
  return file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );
}

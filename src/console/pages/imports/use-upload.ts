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

export function useUpload(): Upload {
  const [state, setState] = useState<UploadState>({ kind: "idle" });
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
  ): Promise<UploadState | string> => {
    try {
      // Renews an access token that has expired: it must be valid when the upload starts.
      await client.get("/api/v1/targets", { signal });
      const batch = await client.uploadBatch(file, {
        ...fields,
        signal,
        onProgress: ({ sent, total }) => {
          setState((before) => ({
            kind: "sending",
            sent,
            total: total ?? file.size,
            startedAt: before.kind === "sending" ? before.startedAt : Date.now(),
          }));
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
      setState({ kind: "sending", sent: 0, total: file.size, startedAt: Date.now() });
      const result = await send(file, fields, controller.signal);
      isBlocking.current = false;
      if (typeof result !== "string") return setState(result);
      setState({ kind: "idle" });
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

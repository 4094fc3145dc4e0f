import { useEffect, useRef, useState } from "react";
import { PAGE_LIMITS, type PreviewLimits } from "./limits.ts";
import type { PreviewAnswer, PreviewProblem, PreviewRequest } from "./messages.ts";
import type { Preview, PreviewOptions } from "./read-preview.ts";

export interface PreviewState {
  /** The last one is kept while the file is read again, and if the new options do not fit. */
  readonly preview: Preview | null;
  readonly problem: PreviewProblem | null;
  readonly isReading: boolean;
}

const NOTHING: PreviewState = { preview: null, problem: null, isReading: false };

/** Reads the beginning of the file again whenever the options change. */
export function usePreview(
  file: File | null,
  options: PreviewOptions,
  limits: PreviewLimits = PAGE_LIMITS,
): PreviewState {
  const [state, setState] = useState(NOTHING);
  const worker = useRef<Worker | null>(null);
  const last = useRef(0);
  const key = JSON.stringify(options);

  useEffect(() => {
    setState(NOTHING);
    if (!file) return;
    const current = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    current.onmessage = ({ data }: MessageEvent<PreviewAnswer>) => {
      if (data.id !== last.current) return;
      setState(({ preview }) => ({
        preview: data.preview ?? preview,
        problem: data.problem ?? null,
        isReading: false,
      }));
    };
    current.onerror = ({ message }) =>
      setState({ preview: null, problem: { kind: "unreadable", message }, isReading: false });
    worker.current = current;
    return () => {
      current.terminate();
      worker.current = null;
    };
  }, [file]);

  useEffect(() => {
    if (!file) return;
    setState((before) => ({ ...before, isReading: true }));
    const request: PreviewRequest = {
      id: ++last.current,
      file,
      options: JSON.parse(key) as PreviewOptions,
      limits,
    };
    worker.current?.postMessage(request);
  }, [file, key, limits]);

  return state;
}

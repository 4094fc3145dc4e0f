import { useMemo, useState } from "react";
import type { PreviewProblem } from "../../../imports/preview/messages.ts";
import { usePreview } from "../../../imports/preview/use-preview.ts";
import { SAMPLE_LIMITS, type Sample, sampleOf } from "./sample.ts";

export interface SampleState {
  readonly file: File | null;
  /** null: the example rows of the definition */
  readonly sample: Sample | null;
  readonly problem: PreviewProblem | null;
  readonly isFromFile: boolean;
  readonly setFile: (file: File) => void;
  readonly setFromFile: (isFromFile: boolean) => void;
}

const DETECT = {};

/** @param initial a file that was chosen before */
export function useSample(initial: File | null): SampleState {
  const [file, setFile] = useState(initial);
  const [isFromFile, setFromFile] = useState(initial !== null);
  const { preview, problem } = usePreview(file, DETECT, SAMPLE_LIMITS);
  const sample = useMemo(() => (preview ? sampleOf(preview) : null), [preview]);
  return {
    file,
    sample: isFromFile ? sample : null,
    problem,
    isFromFile,
    setFile: (next) => {
      setFile(next);
      setFromFile(true);
    },
    setFromFile,
  };
}

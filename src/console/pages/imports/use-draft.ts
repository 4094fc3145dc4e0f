/** Everything that a person chooses before an import starts. The file and the choices are in the memory of the page. */
import { useMemo, useState } from "react";
import type { Mapping, Target } from "./mapping.ts";
import { type MatchState, useMatch } from "./match.ts";
import { DEFAULTS, initialOptions, type Options } from "./options.ts";
import type { Preview } from "./preview/read-preview.ts";
import { type PreviewState, usePreview } from "./preview/use-preview.ts";
import type { Reading } from "./reading.ts";

export interface Draft {
  readonly file: File | null;
  readonly target: Target | undefined;
  readonly reading: Reading;
  readonly read: PreviewState;
  readonly matching: MatchState;
  readonly mapping: Mapping;
  readonly options: Options;
  setFile(file: File): void;
  setReading(reading: Reading): void;
  /** null: back to the match. */
  setMapping(mapping: Mapping | null): void;
  setOptions(options: Options): void;
}

/** A choice that is valid for one target or one header, and is kept while the person looks at another. */
function useChoice<T>(key: string): readonly [T | undefined, (value: T | null) => void] {
  const [choices, setChoices] = useState<Readonly<Record<string, T>>>({});
  const set = (value: T | null) =>
    setChoices(({ [key]: _, ...others }) => (value === null ? others : { ...others, [key]: value }));
  return [choices[key], set];
}

export function useDraft(target: Target | undefined): Draft {
  const [file, setFile] = useState<File | null>(null);
  const [reading, setReading] = useState<Reading>({});
  const read = usePreview(file, reading);
  const names = useStable(read.preview);
  const matching = useMatch(target, names);
  const { match } = matching;
  const targetName = target?.name ?? "";
  const [mapping, setMapping] = useChoice<Mapping>(JSON.stringify([targetName, names]));
  const [options, setOptions] = useChoice<Options>(targetName);
  const initial = useMemo(() => target && initialOptions(target, match.options), [target, match]);
  return {
    file,
    target,
    reading,
    read,
    matching,
    mapping: mapping ?? match.mapping,
    options: options ?? initial ?? DEFAULTS,
    setFile(next) {
      setFile(next);
      setReading({});
    },
    setReading,
    setMapping,
    setOptions,
  };
}

/** The same array while the names are the same. */
function useStable(preview: Preview | null): readonly string[] | undefined {
  const key = preview && JSON.stringify(preview.names);
  return useMemo(() => (key === null ? undefined : (JSON.parse(key) as string[])), [key]);
}

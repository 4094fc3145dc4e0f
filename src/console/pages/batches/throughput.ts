/** Speed of an import over time, measured by this page while it is open. */
export interface Sample {
  /** Milliseconds. */
  readonly at: number;
  /** Rows with a result. */
  readonly done: number;
}

const MAX_SAMPLES = 240;

/** Chunks end in bursts, which a shorter time would show as peaks. */
const MIN_MS = 2000;

/** Keeps a bounded number of samples: a long import gets coarser ones. */
export function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  // Rows are processed again.
  if (last && sample.done < last.done) return [sample];
  if (last && sample.at < last.at + MIN_MS) return samples;
  const all = [...samples, sample];
  return all.length <= MAX_SAMPLES ? all : all.filter((_, at) => at % 2 === 0 || at === all.length - 1);
}

export interface Speed {
  /** Seconds since 1970. */
  readonly at: number;
  readonly rowsPerSecond: number;
}

export function speedsOf(samples: readonly Sample[]): Speed[] {
  return samples.slice(1).map(({ at, done }, index) => {
    const before = samples[index] ?? { at: 0, done: 0 };
    return { at: at / 1000, rowsPerSecond: ((done - before.done) * 1000) / (at - before.at) };
  });
}

/** A call during a run starts one more run after it, because the current run may have read older data. */
export function withoutOverlap(run: () => Promise<unknown>): () => void {
  let isRunning = false;
  let isRequested = false;
  const start = async () => {
    isRequested = true;
    if (isRunning) return;
    isRunning = true;
    while (isRequested) {
      isRequested = false;
      await run();
    }
    isRunning = false;
  };
  return () => void start();
}

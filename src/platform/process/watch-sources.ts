import { watch } from "node:fs";

/** An editor that saves several files at once causes one restart. */
const SETTLE_MS = 100;
const SOURCE = /\.(ts|json)$/;

/** Calls `onChange` with one of the files that changed below `folder`, once per burst of changes. */
export function watchSources(folder: string, onChange: (file: string) => void): Disposable {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true }, (_, file) => {
    if (file === null || !SOURCE.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, SETTLE_MS, file);
  });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

import { watch } from "node:fs";

/** Changes within this time cause one restart, for example if an editor saves several files. */
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

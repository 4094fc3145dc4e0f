import { watch } from "node:fs";

/** Changes within this time cause one restart, for example if an editor saves several files. */
const SETTLE_MS = 100;
const SOURCE = /\.(tsx?|json|css|html|svg)$/;

/** Calls `onChange` with the files that changed below `folder`, once per burst of changes. */
export function watchSources(folder: string, onChange: (files: readonly string[]) => void): Disposable {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(folder, { recursive: true }, (_, file) => {
    if (file === null || !SOURCE.test(file)) return;
    changed.add(file);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed];
      changed.clear();
      onChange(files);
    }, SETTLE_MS);
  });
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

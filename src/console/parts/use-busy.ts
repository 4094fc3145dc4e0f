import { useRef, useState } from "react";
import { showFailure } from "./feedback.tsx";

/** Runs something once at a time, and shows why it failed. Further clicks in the meantime do nothing. */
export function useBusy(): readonly [isBusy: boolean, run: (work: () => Promise<unknown>) => void] {
  const [isBusy, setBusy] = useState(false);
  const isRunning = useRef(false);
  const set = (value: boolean) => {
    isRunning.current = value;
    setBusy(value);
  };
  return [
    isBusy,
    (work) => {
      if (isRunning.current) return;
      set(true);
      void work()
        .catch(showFailure)
        .finally(() => set(false));
    },
  ];
}

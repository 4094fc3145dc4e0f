import { useEffect, useRef } from "react";

/** Reads again every so many seconds while the page is visible: no event says that these things have changed. */
export function useEvery(seconds: number, refetch: () => void): void {
  const current = useRef(refetch);
  current.current = refetch;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") current.current();
    }, seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
}

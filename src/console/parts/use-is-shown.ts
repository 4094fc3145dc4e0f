import { useEffect, useRef } from "react";

/** @returns whether the component is still on the page, for what follows a request: the user may have gone on */
export function useIsShown(): () => boolean {
  const isShown = useRef(true);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
    };
  }, []);
  return () => isShown.current;
}

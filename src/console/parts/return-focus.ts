import { useEffect, useRef, useState } from "react";

/** Gives the focus back when the component is removed. Mantine does so only for dialogs that are rendered before they open. */
export function useReturnFocus(): void {
  const [before] = useState(() => document.activeElement);
  const isShown = useRef(false);
  useEffect(() => {
    isShown.current = true;
    return () => {
      isShown.current = false;
      setTimeout(() => {
        // Another dialog or page may have taken the focus.
        const isFree = document.activeElement === null || document.activeElement === document.body;
        if (isFree && !isShown.current && before instanceof HTMLElement)
          before.focus({ preventScroll: true });
      });
    };
  }, [before]);
}

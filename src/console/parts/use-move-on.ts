import { useNavigate } from "@tanstack/react-router";
import { useIsShown } from "./use-is-shown.ts";

/** Opens another page after a request, unless the user has left this one in the meantime. */
export function useMoveOn() {
  const navigate = useNavigate();
  const isShown = useIsShown();
  const moveOn = async (...args: Parameters<typeof navigate>) => {
    if (isShown()) await navigate(...args);
  };
  return moveOn as typeof navigate;
}

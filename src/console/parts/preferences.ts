/** Choices of this browser, which it remembers. */
import { useLocalStorage } from "@mantine/hooks";
import type { Zone } from "./format.ts";

export function useZone() {
  return useLocalStorage<Zone>({
    key: "rowmill-zone",
    defaultValue: "local",
    getInitialValueInEffect: false,
  });
}

/** Whether single keys are shortcuts. */
export function useSingleKeys() {
  return useLocalStorage<boolean>({
    key: "rowmill-single-keys",
    defaultValue: true,
    getInitialValueInEffect: false,
  });
}

/** Single-key shortcuts, which do nothing while a field has the focus, and can be switched off (WCAG 2.1.4). */
import { useEffect, useRef } from "react";
import { useSingleKeys } from "./preferences.ts";

/** By key (`j`, `?`, `/`) or by two keys (`g b`). */
export type Shortcuts = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** The second key of a sequence must follow within this time. */
const SEQUENCE_MS = 1200;

/** The part that was shown last comes first. */
const registered: Shortcuts[] = [];
let firstKey = "";
let firstKeyAt = 0;

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target))
    return;
  // A dialog has the keyboard.
  if (document.querySelector("[aria-modal=true]")) return;
  // Enter and Space belong to the control that has the focus.
  if ((event.key === "Enter" || event.key === " ") && isControl(event.target)) return;
  const isSecond = firstKey !== "" && Date.now() - firstKeyAt < SEQUENCE_MS;
  const name = isSecond ? `${firstKey} ${event.key}` : event.key;
  firstKey = "";
  const run = registered.find((shortcuts) => shortcuts[name])?.[name];
  if (run) {
    event.preventDefault();
    run(event);
  } else if (
    registered.some((shortcuts) => Object.keys(shortcuts).some((key) => key.startsWith(`${event.key} `)))
  ) {
    firstKey = event.key;
    firstKeyAt = Date.now();
  }
}

export function useShortcuts(shortcuts: Shortcuts): void {
  const [isEnabled] = useSingleKeys();
  const current = useRef(shortcuts);
  current.current = shortcuts;
  useEffect(() => {
    if (!isEnabled) return;
    // Reads the newest functions, so that they see the newest state.
    const own = new Proxy({} as Shortcuts, {
      get: (_, key) => current.current[String(key)],
      ownKeys: () => Object.keys(current.current),
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    });
    registered.unshift(own);
    if (registered.length === 1) addEventListener("keydown", onKey);
    return () => {
      registered.splice(registered.indexOf(own), 1);
      if (registered.length === 0) removeEventListener("keydown", onKey);
    };
  }, [isEnabled]);
}

function isTyping(target: EventTarget | null): boolean {
  const fields = "input:not([type=checkbox], [type=radio]), textarea, select";
  return target instanceof HTMLElement && (target.isContentEditable || target.matches(fields));
}

function isControl(target: EventTarget | null): boolean {
  const controls = "a, button, [role=button], [role=menuitem], input, summary";
  return target instanceof HTMLElement && target.matches(controls);
}

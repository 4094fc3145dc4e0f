/** Messages for screen readers, at most one every five seconds, so that progress does not drown out everything else. */
const EVERY_MS = 5000;
let region: HTMLElement | null = null;
let lastAt = 0;
let timer: ReturnType<typeof setTimeout> | undefined;

/** @param isUrgent for results, which do not wait */
export function announce(message: string, isUrgent = false): void {
  clearTimeout(timer);
  const wait = isUrgent ? 0 : Math.max(0, lastAt + EVERY_MS - Date.now());
  timer = setTimeout(() => {
    if (!region) {
      region = document.createElement("div");
      region.className = "announcement";
      region.setAttribute("aria-live", "polite");
      region.setAttribute("role", "status");
      document.body.append(region);
    }
    lastAt = Date.now();
    region.textContent = message;
  }, wait);
}

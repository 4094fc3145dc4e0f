const MAX_TEXT = 500;
const MAX_ITEMS = 50;
/** Deeper values are left out. */
const MAX_DEPTH = 5;

/** Cuts long texts and lists, so that an entry takes a few kB at most. */
export function shortened(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
  if (value instanceof Date || typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) return "…";
  if (Array.isArray(value)) {
    const kept = value.slice(0, MAX_ITEMS).map((item) => shortened(item, depth + 1));
    return value.length > MAX_ITEMS ? [...kept, `… and ${value.length - MAX_ITEMS} more`] : kept;
  }
  const entries = Object.entries(value).slice(0, MAX_ITEMS);
  return Object.fromEntries(entries.map(([name, inner]) => [name, shortened(inner, depth + 1)]));
}

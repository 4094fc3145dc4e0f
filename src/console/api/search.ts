/** Filters, sort, page and selection of a page, in its URL. A value that is unknown is left out, with a notice. */
import { notifications } from "@mantine/notifications";
import { words } from "../words/common.ts";

type Read<T> = (value: unknown) => T | undefined;

/** A value of the URL: TanStack Router has parsed it as JSON if it could. */
export function text(maxLength = 200): Read<string> {
  return (value) => {
    const found = typeof value === "number" || typeof value === "boolean" ? String(value) : value;
    return typeof found === "string" && found !== "" && found.length <= maxLength ? found : undefined;
  };
}

export function oneOf<const T extends string>(values: readonly T[]): Read<T> {
  return (value) => values.find((known) => known === value);
}

export function flag(): Read<true> {
  return (value) => (value === true || value === "true" ? true : undefined);
}

export function wholeNumber({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Read<number> {
  return (value) => {
    const found = Number(value);
    return Number.isSafeInteger(found) && found >= min && found <= max ? found : undefined;
  };
}

/** A date, or a date with a time. */
export function moment(): Read<string> {
  return (value) => {
    const isMoment = typeof value === "string" && /^\d{4}-\d\d-\d\d(T.+)?$/.test(value) && value.length <= 40;
    return isMoment && !Number.isNaN(Date.parse(value)) ? value : undefined;
  };
}

type Shape = Readonly<Record<string, Read<unknown>>>;
export type SearchOf<S extends Shape> = { [K in keyof S]?: NonNullable<ReturnType<S[K]>> };

/** For `validateSearch` of a route. */
export function search<const S extends Shape>(shape: S): (raw: Record<string, unknown>) => SearchOf<S> {
  return (raw) => {
    const found: Record<string, unknown> = {};
    for (const [name, read] of Object.entries(shape)) {
      const value = raw[name];
      if (value === undefined || value === "") continue;
      const parsed = read(value);
      if (parsed === undefined) reportUnknown(name, String(value));
      else found[name] = parsed;
    }
    return found as SearchOf<S>;
  };
}

/** @returns the search with a part changed; undefined removes a field */
export function changed<S extends object>(
  current: S,
  part: { readonly [K in keyof S]?: S[K] | undefined },
): S {
  const entries = Object.entries({ ...current, ...part }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as S;
}

function reportUnknown(name: string, value: string): void {
  // The same id: a route is validated several times.
  const id = `unknown-${name}`;
  queueMicrotask(() =>
    notifications.show({ id, color: "yellow", message: words.unknownFilter(name, value.slice(0, 50)) }),
  );
}

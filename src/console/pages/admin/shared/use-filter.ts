import { useNavigate, useSearch } from "@tanstack/react-router";
import { changed } from "../../../api/search.ts";

/** undefined removes a field. */
type Part<S extends object> = { readonly [K in keyof S]?: S[K] | undefined };

interface Filter<S extends object> {
  readonly filter: S;
  readonly change: (part: Part<S>) => void;
  /** @param next gets the latest filter: a change can follow another before the page is drawn again */
  readonly update: (next: (latest: S) => Part<S>) => void;
  /** Absent if nothing is set. */
  readonly clear: (() => void) | undefined;
}

/** The filter in the address of the page. @template S the search that its route has validated */
export function useFilter<S extends object>(): Filter<S> {
  const found: unknown = useSearch({ strict: false });
  const filter = found as S;
  const navigate = useNavigate();
  const set = (search: object) => void navigate({ to: ".", search, replace: true } as never);
  const update: Filter<S>["update"] = (next) => set((latest: S) => changed(latest, next(latest)));
  return {
    filter,
    change: (part) => update(() => part),
    update,
    clear: Object.keys(filter).length > 0 ? () => set({}) : undefined,
  };
}

import { useNavigate, useSearch } from "@tanstack/react-router";
import { changed } from "../../../api/search.ts";

interface Filter<S extends object> {
  readonly filter: S;
  /** undefined removes a field. */
  readonly change: (part: { readonly [K in keyof S]?: S[K] | undefined }) => void;
  /** Absent if nothing is set. */
  readonly clear: (() => void) | undefined;
}

/** The filter in the address of the page. @template S the search that its route has validated */
export function useFilter<S extends object>(): Filter<S> {
  const found: unknown = useSearch({ strict: false });
  const filter = found as S;
  const navigate = useNavigate();
  const set = (search: object) => void navigate({ to: ".", search, replace: true } as never);
  return {
    filter,
    change: (part) => set(changed(filter, part)),
    clear: Object.keys(filter).length > 0 ? () => set({}) : undefined,
  };
}

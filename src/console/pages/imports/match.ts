/** Finds the columns of a target in the header of a file, as the server does, with what it remembers of earlier imports. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { client } from "../../api/client.ts";
import { type Match, NO_MATCH, type Target, toMatch } from "./mapping.ts";

const MATCH_PATH = "/api/v1/targets/{name}/match";

export interface MatchState {
  readonly match: Match;
  readonly isMatching: boolean;
  readonly error: unknown;
  readonly retry: () => void;
}

/** @param names of the file; undefined while it is read */
export function useMatch(target: Target | undefined, names: readonly string[] | undefined): MatchState {
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: [MATCH_PATH, { path: { name: target?.name }, body: names }],
    enabled: target !== undefined && names !== undefined && names.length > 0,
    // A new proposal would replace the choices on the page. The next import asks again: the server remembers mappings.
    staleTime: "static",
    gcTime: 0,
    queryFn: ({ signal }) =>
      client.post(MATCH_PATH, {
        path: { name: target?.name ?? "" },
        body: { header: [...(names ?? [])] },
        signal,
      }),
  });
  const match = useMemo(() => (names && data ? toMatch(names, data) : NO_MATCH), [names, data]);
  return { match, isMatching: isFetching, error, retry: () => void refetch() };
}

import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../../api/queries.ts";

/** The columns of a target; undefined while they are read, or if the user may not see it. */
export function useTarget(name: string) {
  return useQuery({ ...apiQuery("/api/v1/targets/{name}", { path: { name } }), staleTime: 600_000 }).data;
}

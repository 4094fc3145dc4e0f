import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../../api/queries.ts";

export function useTaskTypes() {
  return useQuery({ ...apiQuery("/api/v1/task-types"), staleTime: 60_000 });
}

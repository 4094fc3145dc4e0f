/** The values of filters, with the words for them. */
import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../../api/queries.ts";
import { queueWords } from "../../../words/queues.ts";
import { stateWords } from "../../../words/states.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { QUEUES } from "./search-shapes.ts";

interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
}

export const queueOptions = QUEUES.map((value) => ({ value, label: queueWords[value] }));

export function stateOptions<T extends string>(states: readonly T[]): Option<T>[] {
  return states.map((value) => ({ value, label: stateWords[value] ?? value }));
}

export function useTypeOptions(): Option<string>[] {
  const { data } = useQuery({ ...apiQuery("/api/v1/task-types"), staleTime: 60_000 });
  return data?.items.map(({ name }) => ({ value: name, label: titleOf(name) })) ?? [];
}

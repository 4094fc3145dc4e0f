/** The values of filters, with the words for them. */
import { queueWords } from "../../../words/queues.ts";
import { stateWords } from "../../../words/states.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { useTaskTypes } from "../../tasks/task-types.ts";
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
  const { data } = useTaskTypes();
  return data?.items.map(({ name }) => ({ value: name, label: titleOf(name) })) ?? [];
}

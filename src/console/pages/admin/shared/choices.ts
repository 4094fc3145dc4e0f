/** The values of filters, with the words for them. */
import { queueWords } from "../../../words/queues.ts";
import { titleOf } from "../../tasks/form/fields.ts";
import { useTaskTypes } from "../../tasks/form/task-types.ts";
import { QUEUES } from "./search-shapes.ts";

export const queueOptions = QUEUES.map((value) => ({ value, label: queueWords[value] }));

export function useTypeOptions() {
  const { data } = useTaskTypes();
  return data?.items.map(({ name }) => ({ value: name, label: titleOf(name) })) ?? [];
}

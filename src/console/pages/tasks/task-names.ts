import type { Schemas } from "../../../client/operations.ts";
import { taskWords as words } from "../../words/tasks.ts";
import { titleOf } from "./form/fields.ts";

type Named = Pick<Schemas["Task"], "title" | "type" | "number">;

/** The title that the user gave, or the type and the number. */
export function nameOf({ title, type, number }: Named): string {
  return title || words.untitled(titleOf(type), String(number));
}

export function isOpen({ status }: Pick<Schemas["Task"], "status">): boolean {
  return status === "pending" || status === "processing";
}

import Type from "typebox";
import type { TaskType } from "./task-type.ts";

const Message = Type.String({ description: "One sentence for people." });

/** The JSON Schema of the results of a type, with the `message` of every result; null if the type does not declare them. */
export function resultSchema({ result }: TaskType) {
  return result ? { type: "object", properties: { message: Message, ...result.properties } } : null;
}

import Type from "typebox";
import { Uuid } from "../platform/http/schemas.ts";

export const TaskParams = Type.Object({ task_id: { ...Uuid, description: "The id of the task." } });

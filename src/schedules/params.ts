import Type from "typebox";
import { Uuid } from "../platform/http/schemas.ts";

export const ScheduleParams = Type.Object({
  schedule_id: { ...Uuid, description: "The id of the schedule." },
});

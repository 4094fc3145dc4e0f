/** The settings of http tasks. */
import Type from "typebox";

export const httpTaskSettings = {
  HTTP_TASKS: Type.Enum(["off", "admin", "all"], {
    default: "admin",
    description: "Users who may create tasks of type `http`. off: nobody, and existing ones fail.",
  }),
};

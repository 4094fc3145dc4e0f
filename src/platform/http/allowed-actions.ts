import Type from "typebox";

/**
 * The actions that the caller can take now, for answers. An upload or a task whose answer was stored by a version without
 * this field, and is sent again because of its Idempotency-Key, has none.
 */
export function AllowedActions<const Name extends string>(names: readonly Name[], hint = "") {
  return Type.Array(Type.Enum([...names]), {
    default: [],
    description: `What you can do now.${hint && ` ${hint}`} Every other action is refused, or changes nothing.`,
  });
}

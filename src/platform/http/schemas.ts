/** Schemas that several features share. */
import Type, { type Static, type TObjectOptions, type TSchema } from "typebox";

export const Moment = (description: string) => Type.String({ format: "date-time", description });

export const NullableMoment = (description: string) =>
  nullable(Type.String({ format: "date-time" }), description);

/** The pattern of text without U+0000, which PostgreSQL cannot store. */
export const NUL_FREE = "^[^\\u0000]*$";

/** The format alone also allows `urn:uuid:`, which PostgreSQL refuses. */
export const Uuid = Type.String({
  format: "uuid",
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
  examples: ["01a20159-f320-7af5-a6be-a1fe00000000"],
});

/** The id of a thing that clients know by a number. */
export const NumericId = (description: string) =>
  Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description, examples: [1] });

export const nullable = <S extends TSchema>(schema: S, description: string) =>
  Type.Union([schema, Type.Null()], { description });

/**
 * An object with any keys. `Type.Record(Type.String())` describes its keys by the pattern `^.*$`, which matches no line
 * break, so an answer would leave such keys out and a request would not check their values.
 */
export const MapOf = <S extends TSchema>(values: S, options: TObjectOptions = {}) =>
  Type.Unsafe<Record<string, Static<S>>>({ type: "object", additionalProperties: values, ...options });

/** Words that the schemas of several features share. */
import Type, { type TSchema } from "typebox";

export const Moment = (description: string) => Type.String({ format: "date-time", description });

export const NullableMoment = (description: string) =>
  Type.Union([Type.String({ format: "date-time" }), Type.Null()], { description });

/** As PostgreSQL takes it: the format alone also allows `urn:uuid:`. */
export const Uuid = Type.String({
  format: "uuid",
  pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
});

export const nullable = <S extends TSchema>(schema: S, description: string) =>
  Type.Union([schema, Type.Null()], { description });

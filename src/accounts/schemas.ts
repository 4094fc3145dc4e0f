/** The bodies of signups and logins. */
import Type from "typebox";
import { NUL_FREE } from "../platform/http/schemas.ts";

const Username = Type.String({
  minLength: 1,
  maxLength: 150,
  pattern: NUL_FREE,
  description: "The name to log in with.",
  examples: ["ada"],
});
/** The maximum keeps the time that argon2 takes bounded. */
const Password = Type.String({
  minLength: 1,
  maxLength: 1024,
  description: "The password. New ones need at least PASSWORD_MIN_LENGTH characters.",
  examples: ["correct horse battery"],
});
const Email = Type.String({
  maxLength: 254,
  pattern: NUL_FREE,
  default: "",
  description: "The email address.",
  examples: ["ada@example.com"],
});

/** Fastify drops unknown properties, so that a body cannot set a role. */
const closed = { additionalProperties: false };
export const Credentials = Type.Object({ username: Username, password: Password }, closed);
export const NewAccount = Type.Object({ username: Username, password: Password, email: Email }, closed);

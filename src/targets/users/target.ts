import Type from "typebox";
import type { SetTarget } from "../target.ts";
import { undoUsers } from "./undo-users.ts";
import { writeUsers } from "./write-users.ts";

const columns = Type.Object({
  username: Type.String({ minLength: 1, maxLength: 150, examples: ["ada"] }),
  email: Type.String({
    maxLength: 254,
    pattern: "^$|^[^@\\s]+@[^@\\s]+$",
    default: "",
    description: "an email address",
    examples: ["ada@example.com"],
  }),
  password: Type.String({
    maxLength: 1024,
    default: "",
    description:
      "at least as long as PASSWORD_MIN_LENGTH; without a password, nobody can log in to the account",
    examples: ["correct horse battery"],
  }),
  role: Type.String({
    pattern: "^(user|operator|admin)?$",
    default: "user",
    description: "user, operator or admin",
    examples: ["user"],
  }),
});

export const usersTarget: SetTarget<typeof columns> = {
  name: "users",
  description: "Accounts. An upsert changes email and role, and the password only if the row has one.",
  columns,
  aliases: { username: ["user", "login"], email: ["mail", "e-mail address"] },
  isStrict: true,
  secrets: ["password"],
  role: "admin",
  needsLogin: true,
  key: ["username"],
  isKeyShared: true,
  modes: ["insert", "skip_existing", "upsert"],
  // Hashing one password takes about 20 ms of one core.
  maxChunkRows: 100,
  write: writeUsers,
  undo: undoUsers,
};

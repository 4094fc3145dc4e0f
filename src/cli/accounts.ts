import { randomBytes } from "node:crypto";
import { text as readText } from "node:stream/consumers";
import { signUp } from "../accounts/sign-up.ts";
import { ConfigError } from "../errors.ts";
import { command } from "./command.ts";

export const createAdmin = command({
  name: "create-admin",
  usage: "NAME",
  summary: "Create an administrator. Reads the password from standard input; at a terminal, generates one.",
  takesArgument: true,
  options: {},
  async run({ config, connect }, _, username) {
    if (!username) throw new ConfigError("The name is missing. Usage: npm run cli -- create-admin NAME");
    const input = process.stdin.isTTY ? "" : (await readText(process.stdin)).trim();
    const password = input || randomBytes(15).toString("base64url");
    const { passwordMinLength } = config;
    const ctx = await connect();
    const admin = await signUp(ctx, { username, password, email: "", role: "admin", passwordMinLength });
    console.log(`Created the administrator "${admin.username}" (id ${admin.id}).`);
    if (!input) console.log(`Password, shown only once: ${password}`);
  },
});

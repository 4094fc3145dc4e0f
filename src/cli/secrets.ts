import { text as readText } from "node:stream/consumers";
import Value from "typebox/value";
import { ConfigError } from "../errors.ts";
import { deleteSecret, setSecret } from "../secrets/change-secrets.ts";
import { NAME_RULE, SECRET_NAME } from "../secrets/names.ts";
import { listSecrets } from "../secrets/queries.ts";
import { rotateSecrets } from "../secrets/rotate-secrets.ts";
import { SecretBody, type SecretView, viewSecret } from "../secrets/views.ts";
import { command, flag, text } from "./command.ts";
import { printJson, show } from "./table.ts";

const json = { json: flag } as const;

export const secretCommands = [
  command({
    name: "secrets list",
    usage: "[--json]",
    summary: "List the secrets of outgoing requests, without their values.",
    options: json,
    async run({ connect }, { json }) {
      show(json, (await listSecrets(await connect())).map(viewSecret), rowOf);
    },
  }),

  command({
    name: "secrets set",
    usage: "NAME [--hosts HOST,HOST] [--shared] [--json]",
    summary: "Set a secret. Reads the value from standard input. --hosts: only these may receive it.",
    takesArgument: true,
    options: { hosts: { ...text, default: "" }, shared: flag, ...json },
    async run({ connect }, values, given) {
      const name = secretNamed(given);
      const hosts = values.hosts.split(",").filter((host) => host !== "");
      const body = { value: await readValue(), hosts, is_shared: values.shared };
      const [problem] = Value.Errors(SecretBody, body);
      if (problem?.instancePath.startsWith("/hosts"))
        throw new ConfigError("--hosts: must be up to 10 hosts such as api.example.com or 10.0.0.7:8080.");
      if (problem) throw new ConfigError(`The value must have ${VALUE_RULE}.`);
      const secret = await setSecret(await connect(), name, { ...body, isShared: values.shared });
      show(values.json, [viewSecret(secret)], rowOf);
    },
  }),

  command({
    name: "secrets delete",
    usage: "NAME",
    summary: "Delete a secret. Requests that need it fail from now on.",
    takesArgument: true,
    options: {},
    async run({ connect }, _values, given) {
      const name = secretNamed(given);
      await deleteSecret(await connect(), name);
      console.log(`The secret ${name} is deleted.`);
    },
  }),

  command({
    name: "secrets rotate",
    usage: "[--json]",
    summary: "Encrypt all secrets with SECRETS_KEY. Set the key before as SECRETS_KEY_PREVIOUS.",
    options: json,
    async run({ connect }, { json }) {
      const { changed, failed } = await rotateSecrets(await connect());
      if (json) printJson({ changed, failed });
      else console.log(`Encrypted ${changed.length} secret(s) with SECRETS_KEY.`);
      const problems = Object.values(failed);
      if (problems.length > 0) throw new ConfigError(problems.join("\n"));
    },
  }),
];

const VALUE_RULE = "from 8 to 4096 visible ASCII characters, and no line breaks or spaces at its ends";

function secretNamed(name: string | undefined): string {
  if (name !== undefined && new RegExp(SECRET_NAME).test(name)) return name;
  throw new ConfigError(`The name of a secret ${NAME_RULE}.`);
}

/** Without the line break that `echo` adds. */
async function readValue(): Promise<string> {
  if (process.stdin.isTTY)
    throw new ConfigError(
      "Send the value to standard input, such as: npm run cli -- secrets set NAME < file",
    );
  return (await readText(process.stdin)).trim();
}

function rowOf(secret: SecretView) {
  return {
    ...{
      name: secret.name,
      hosts: secret.hosts.join(", ") || "any",
      shared: secret.is_shared ? "yes" : "no",
    },
    ...{
      set: secret.set_at,
      by: secret.set_by_username ?? "command",
      "last used": secret.last_used_at ?? "never",
    },
  };
}

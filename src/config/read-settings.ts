import Type, { type Static, type TObject, type TSchema } from "typebox";
import { Compile } from "typebox/compile";
import Value from "typebox/value";
import { ConfigError } from "../errors.ts";

const WHOLE_NUMBER = /^-?\d{1,15}$/;
/** Settings whose values never appear in messages. */
const SECRETS: ReadonlySet<string> = new Set([
  "DATABASE_URL",
  "JWT_SECRET",
  "SECRETS_KEY",
  "SECRETS_KEY_PREVIOUS",
  "SMTP_URL",
  "EMAIL_HOST_PASSWORD",
  "DKIM_PRIVATE_KEY",
  "WEBHOOK_PROXY",
]);

/**
 * Reads settings from the environment, and fills in defaults. An empty variable counts as unset.
 * @throws ConfigError that names the setting, its value and the rule
 */
export function readSettings<S extends TObject>(table: S, env: NodeJS.ProcessEnv): Static<S> {
  const rules: Readonly<Record<string, TSchema>> = table.properties;
  const texts = Object.fromEntries(
    Object.keys(rules).flatMap((name) => (env[name]?.trim() ? [[name, env[name].trim()]] : [])),
  );
  const typed = Object.entries(texts).map(([name, text]) => [
    name,
    Type.IsInteger(rules[name]) && WHOLE_NUMBER.test(text) ? Number(text) : text,
  ]);
  const settings = Value.Default(table, Object.fromEntries(typed)) as Static<S>;
  const [problem] = Compile(table).Errors(settings);
  if (!problem) return settings;
  const name = problem.instancePath.slice(1);
  const shown = SECRETS.has(name) ? "the given value" : JSON.stringify(texts[name]);
  const rule: object = rules[name] ?? {};
  const description = "description" in rule ? rule.description : "";
  throw new ConfigError(`${name}: ${shown} ${brokenRule(problem)}. ${description}`);
}

function brokenRule({ keyword, params }: { keyword: string; params: object }): string {
  if (keyword === "type") return "is not a whole number";
  if (keyword === "minimum" && "limit" in params) return `is less than ${params.limit}`;
  if (keyword === "maximum" && "limit" in params) return `is more than ${params.limit}`;
  if (keyword === "enum" && "allowedValues" in params && Array.isArray(params.allowedValues))
    return `is not one of: ${params.allowedValues.join(", ")}`;
  return "has the wrong format";
}

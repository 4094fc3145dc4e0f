/** The largest body of each route, derived from its schema: a login needs no megabyte. */
import type { FastifyInstance, RouteOptions } from "fastify";

/** The least that every route accepts. */
export const SMALL_BODY_BYTES = 16 * 1024;
/** For white space and unknown fields. */
const SLACK_BYTES = 4096;
/** For schemas that limit no size, such as the parameters of tasks. */
const MAX_BODY_BYTES = 2 ** 20;
/** JSON can write one character as two escapes: `\ud83d\ude00`. */
const BYTES_PER_CHARACTER = 12;
const BYTES_PER_NUMBER = 32;
/** Quotes, colon, comma and some indentation. */
const BYTES_PER_FIELD = 24;

type Schema = Readonly<Record<string, unknown>>;

/** Call it before the routes are registered. */
export function limitBodies(app: FastifyInstance): void {
  app.addHook("onRoute", (route) => {
    route.bodyLimit ??= limitOf(route, (id) => app.getSchema(id));
  });
}

function limitOf({ schema, config }: RouteOptions, find: (id: string) => unknown): number {
  const body = schema?.body ?? config?.documentedBody?.["application/json"];
  const bytes = body === undefined ? 0 : jsonBytes(body, find);
  return Math.min(MAX_BODY_BYTES, Math.max(SMALL_BODY_BYTES, SLACK_BYTES + bytes));
}

/** Returns the size of the largest JSON that fits the schema; infinite if nothing limits it. */
function jsonBytes(schema: unknown, find: (id: string) => unknown): number {
  if (typeof schema !== "object" || schema === null) return 0;
  const rules: Schema = { ...schema };
  const sizeOf = (part: unknown) => jsonBytes(part, find);
  if (typeof rules.$ref === "string") return sizeOf(find(rules.$ref));
  if ("const" in rules) return JSON.stringify(rules.const).length;
  const options = [rules.anyOf, rules.oneOf, rules.allOf, rules.enum].find(Array.isArray);
  if (options) {
    const sizes = options.map((option) =>
      rules.enum ? JSON.stringify(option).length * BYTES_PER_CHARACTER : sizeOf(option),
    );
    return Math.max(0, ...sizes);
  }
  switch (rules.type) {
    case "string":
      return BYTES_PER_FIELD + numberOf(rules.maxLength ?? lengthOf(rules)) * BYTES_PER_CHARACTER;
    case "array":
      return BYTES_PER_FIELD + numberOf(rules.maxItems) * (sizeOf(rules.items) + BYTES_PER_FIELD);
    case "object": {
      if (rules.patternProperties || typeof rules.additionalProperties === "object")
        return Number.POSITIVE_INFINITY;
      const fields = Object.entries(rules.properties ?? {});
      return fields.reduce((sum, [name, part]) => sum + name.length + BYTES_PER_FIELD + sizeOf(part), 0);
    }
    case "integer":
    case "number":
    case "boolean":
    case "null":
      return BYTES_PER_NUMBER;
    default:
      return Number.POSITIVE_INFINITY;
  }
}

const FORMAT_LENGTHS = new Map<unknown, number>([
  ["uuid", 36],
  ["date", 10],
  ["date-time", 40],
]);

function lengthOf({ format }: Schema): number | undefined {
  return FORMAT_LENGTHS.get(format);
}

function numberOf(limit: unknown): number {
  return typeof limit === "number" ? limit : Number.POSITIVE_INFINITY;
}

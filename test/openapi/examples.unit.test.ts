import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { afterAll, expect, test } from "vitest";
import {
  exampleIn,
  follow,
  type Media,
  type NamedOperation,
  operationsOf,
  readDocument,
} from "../support/document.ts";
import { createOfflineApp } from "../support/offline-app.ts";

interface Exemplified {
  readonly where: string;
  /** JSON pointer to the media object or the parameter. */
  readonly pointer: string;
  readonly media: Media;
}

const app = await createOfflineApp();
afterAll(() => app.close());
const openapi = await readDocument(app);
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats.default(ajv);
ajv.addSchema({ $id: "openapi", ...openapi });

const pointerTo = (...parts: string[]) =>
  parts.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/");

const operations = operationsOf(openapi);
const bodies = operations.flatMap(bodiesOf);
const parameters = operations.flatMap(({ name, method, path, operation }) =>
  (operation.parameters ?? []).map((media, index) => ({
    where: `${name} ${media.name}`,
    pointer: pointerTo("paths", path, method.toLowerCase(), "parameters", String(index)),
    media,
  })),
);

/** The request body and the bodies of success, other than files without a known format. */
function bodiesOf({ name, method, path, operation }: NamedOperation): Exemplified[] {
  const at = ["paths", path, method.toLowerCase()];
  const success = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
  return [
    { where: `${name} request`, parts: [...at, "requestBody"], content: operation.requestBody?.content },
    ...success.map(([status, { content }]) => ({
      where: `${name} ${status}`,
      parts: [...at, "responses", status],
      content,
    })),
  ].flatMap(({ where, parts, content = {} }) =>
    Object.entries(content)
      .filter(([, { schema }]) => !(schema?.type === "string" && schema.format === "binary"))
      .map(([mediaType, media]) => ({
        where: `${where} ${mediaType}`,
        pointer: pointerTo(...parts, "content", mediaType),
        media,
      })),
  );
}

function problemsOf({ pointer, media, where }: Exemplified): string[] {
  const validate = ajv.getSchema(`openapi#/${pointer}/schema`) as ValidateFunction;
  return validate(exampleIn(openapi, media)) ? [] : [`${where}: ${ajv.errorsText(validate.errors)}`];
}

test("every request body and every success answer has a whole, valid example", () => {
  expect(bodies.length).toBeGreaterThan(120);
  const without = bodies.filter(({ media }) => exampleIn(openapi, media) === undefined);
  expect(without.map(({ where }) => where)).toEqual([]);
  expect(bodies.flatMap(problemsOf)).toEqual([]);
});

test("the example of an answer has every field of the answer", () => {
  const partial = bodies.filter(({ media }) => {
    const { required = [] } = follow(openapi, media.schema ?? {});
    const example = exampleIn(openapi, media);
    return !required.every((name) => Object.hasOwn(Object(example), name));
  });
  expect(partial.map(({ where }) => where)).toEqual([]);
});

test("every parameter has a valid example, a default or a list of values", () => {
  expect(parameters.length).toBeGreaterThan(150);
  const without = parameters.filter(({ media }) => {
    const { default: value, enum: values, type } = media.schema ?? {};
    const isKnown = value !== undefined || values !== undefined || type === "boolean";
    return !isKnown && exampleIn(openapi, media) === undefined;
  });
  expect(without.map(({ where }) => where)).toEqual([]);
  const exemplified = parameters.filter(({ media }) => exampleIn(openapi, media) !== undefined);
  expect(exemplified.flatMap(problemsOf)).toEqual([]);
});

test("every example inside a schema is valid", () => {
  const found = [...schemasIn(openapi, "")].filter(({ schema }) => Array.isArray(schema.examples));
  expect(found.length).toBeGreaterThan(150);
  const invalid = found.flatMap(({ pointer, schema }) => {
    const validate = ajv.getSchema(`openapi#${pointer}`) as ValidateFunction;
    return (schema.examples as unknown[])
      .filter((example) => !validate(example))
      .map((example) => `${pointer}: ${JSON.stringify(example)}`);
  });
  expect(invalid).toEqual([]);
});

/** Every schema of the document. Objects within examples are not schemas. */
function* schemasIn(
  value: unknown,
  pointer: string,
): Generator<{ pointer: string; schema: Record<string, unknown> }> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield { pointer, schema: value as Record<string, unknown> };
  for (const [name, inner] of Object.entries(value)) {
    if (name === "examples" || name === "example" || name === "default") continue;
    yield* schemasIn(inner, `${pointer}/${pointerTo(name)}`);
  }
}

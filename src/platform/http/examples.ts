/** Builds examples for the OpenAPI document from the examples of the parts of a schema. */

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
}

type Schemas = Readonly<Record<string, JsonSchema>>;

const BY_FORMAT: Readonly<Record<string, string>> = {
  "date-time": "2026-11-22T03:43:21.893Z",
  uuid: "01a20159-f320-7af5-a6be-a1fe00000000",
};

/** Returns a value that the schema allows; undefined for text without an example. */
export function exampleOf(schema: JsonSchema, schemas: Schemas): unknown {
  const { $ref, anyOf, oneOf, items, properties = {} } = schema;
  const own = schema.examples?.[0] ?? schema.default ?? schema.enum?.[0];
  if (own !== undefined) return own;
  if ($ref !== undefined) return exampleOf(schemas[nameIn($ref)] ?? {}, schemas);
  const [variant] = anyOf ?? oneOf ?? [];
  if (variant) return exampleOf(variant, schemas);
  switch (schema.type) {
    case "object":
      return Object.fromEntries(
        Object.entries(properties)
          .map(([name, one]) => [name, exampleOf(one, schemas)])
          .filter(([, value]) => value !== undefined),
      );
    case "array":
      return items ? [exampleOf(items, schemas)] : [];
    case "integer":
    case "number":
      return schema.minimum ?? 1;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return BY_FORMAT[schema.format ?? ""];
  }
}

/** Whether the schema itself has an example. */
export function hasExample({ $ref, examples }: JsonSchema, schemas: Schemas): boolean {
  if ($ref !== undefined) return hasExample(schemas[nameIn($ref)] ?? {}, schemas);
  return examples !== undefined;
}

const nameIn = (ref: string) => ref.slice(ref.lastIndexOf("/") + 1);

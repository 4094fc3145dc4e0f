/** The OpenAPI document as tests look at it. To check single answers against it, use openapi.ts. */
import type { FastifyInstance } from "fastify";

export interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  minimum?: number;
  exclusiveMinimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  default?: unknown;
  examples?: unknown[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
  oneOf?: Schema[];
}

export interface Media {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}

export interface Parameter extends Media {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: Schema;
}

interface Response {
  $ref?: string;
  description?: string;
  headers?: Record<string, object>;
  content?: Record<string, Media>;
}

export interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  operationId?: string;
  security?: Record<string, string[]>[];
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, Media> };
  responses: Record<string, Response>;
}

export interface Document {
  openapi: string;
  info: { title: string; version: string; license: object };
  servers: { url: string }[];
  security: Record<string, string[]>[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, Schema>;
    responses: Record<string, Response>;
    securitySchemes: Record<string, object>;
  };
}

export interface NamedOperation {
  /** Such as `GET /api/v1/batches`. */
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

export async function readDocument(app: Pick<FastifyInstance, "inject">): Promise<Document> {
  return (await app.inject("/openapi.json")).json<Document>();
}

export function operationsOf({ paths }: Document): NamedOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  );
}

/** Clients call it without a token. */
export const isPublic = ({ security }: Operation) => security?.length === 0;

/** The names of the operations that `isWrong` holds for: none, if all is well. */
export function namesOf(
  operations: readonly NamedOperation[],
  isWrong: (operation: Operation, path: string) => boolean,
): string[] {
  return operations.filter(({ operation, path }) => isWrong(operation, path)).map(({ name }) => name);
}

/** Every object in a JSON value. */
export function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

/** Resolves a `$ref`. */
export function resolve(document: object, ref: string): unknown {
  return ref
    .slice(2)
    .split("/")
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"))
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
}

/** The thing itself, if it is a reference to one. */
export function follow<T extends { $ref?: string }>(document: object, value: T): T {
  return value.$ref === undefined ? value : follow(document, resolve(document, value.$ref) as T);
}

/** The first example of a body or a parameter; undefined if it has none. */
export function exampleIn(document: object, { schema, example, examples }: Media): unknown {
  if (example !== undefined) return example;
  const [named] = Object.values(examples ?? {});
  return named ? named.value : schema && follow(document, schema).examples?.[0];
}

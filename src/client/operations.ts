/** The types of requests and answers, from the generated types of the OpenAPI document. */
import type { components, paths } from "./api.ts";

export type Schemas = components["schemas"];

export type Body = NonNullable<RequestInit["body"]>;

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths that have this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, object> ? P : never;
}[keyof paths];

export type OperationOf<M extends Method, P extends PathOf<M>> = paths[P][M & keyof paths[P]];

type Parameters<O> = O extends { parameters: infer P } ? P : never;

type Part<O, K extends string> = K extends keyof Parameters<O> ? NonNullable<Parameters<O>[K]> : never;

/** Optional if none of its fields is required. */
type Field<K extends string, T> = [T] extends [never]
  ? unknown
  : object extends T
    ? { [key in K]?: T }
    : { [key in K]: T };

type JsonBody<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : O extends { requestBody?: { content: { "application/json": infer B } } }
    ? { body?: B }
    : O extends { requestBody: object }
      ? { body: Body }
      : unknown;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Absent: a random one, for requests that take one. */
  readonly idempotencyKey?: string;
}

type RequestOf<O> = Field<"path", Part<O, "path">> &
  Field<"query", Part<O, "query">> &
  JsonBody<O> &
  CallOptions;

/** The arguments after the path: they can be left out if nothing in them is required. */
export type Rest<O> = object extends RequestOf<O> ? [request?: RequestOf<O>] : [request: RequestOf<O>];

type Success<O> = O extends { responses: infer R } ? R[keyof R & (200 | 201 | 202)] : never;

/** The JSON of a success; undefined if it has no body. */
export type AnswerOf<O> = [Success<O>] extends [never]
  ? undefined
  : Success<O> extends { content: { "application/json": infer A } }
    ? A
    : Success<O> extends { content?: never }
      ? undefined
      : never;

/** The items of a list in pages. */
export type ItemOf<O> = AnswerOf<O> extends { items: (infer T)[]; next_cursor: string | null } ? T : never;

export type ListPath = {
  [P in PathOf<"get">]: [ItemOf<OperationOf<"get", P>>] extends [never] ? never : P;
}[PathOf<"get">];

/** The paths whose answers can be read as JSON. */
export type JsonPath = {
  [P in PathOf<"get">]: [AnswerOf<OperationOf<"get", P>>] extends [never] ? never : P;
}[PathOf<"get">];

type MediaOf<O> = Success<O> extends { content: infer C } ? keyof C : never;

/** The paths whose answers are files. */
export type FilePath = {
  [P in PathOf<"get">]: [Exclude<MediaOf<OperationOf<"get", P>>, "application/json">] extends [never]
    ? never
    : P;
}[PathOf<"get">];

type HeaderOf<O> = [Part<O, "header">] extends [never] ? never : keyof Part<O, "header">;

/** The paths of POST requests that take an Idempotency-Key. */
export type KeyedPath = {
  [P in PathOf<"post">]: "idempotency-key" extends HeaderOf<OperationOf<"post", P>> ? P : never;
}[PathOf<"post">];

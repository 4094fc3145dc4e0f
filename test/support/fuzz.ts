/** Requests at the boundaries of everything that an operation documents. */
import { boundariesOf } from "./boundaries.ts";
import {
  type Document,
  exampleIn,
  follow,
  type Media,
  type NamedOperation,
  type Parameter,
  type Schema,
} from "./document.ts";

export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body?: string | FormData;
}

/** Values by the names of the parameters, for things that exist. */
export type Existing = Readonly<Record<string, string>>;

/** The fields that were already sent with all their boundaries, and how often they were sent again. */
export type SentFields = Map<string, number>;

/** Of a field that another operation has sent with all its boundaries, an operation sends one of this many, in turn. */
const TURNS = 3;

type Values = Readonly<Record<string, unknown>>;

/**
 * First the plain request, then one for each boundary of each parameter and of each field of the body. Operations that share
 * `sent` take turns with the boundaries of a field that has the same name and schema in several of them.
 */
export function requestsOf(
  document: Document,
  { method, path, operation }: NamedOperation,
  existing: Existing,
  sent: SentFields = new Map(),
): Sent[] {
  const parameters = operation.parameters ?? [];
  const inPath = parameters.filter((parameter) => parameter.in === "path");
  const plain = Object.fromEntries(
    inPath.map((parameter) => [
      parameter.name,
      existing[parameter.name] ?? exampleIn(document, parameter) ?? parameter.schema.enum?.[0],
    ]),
  );
  const [mediaType = "", media = {}] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
  const encode = mediaType === "multipart/form-data" ? formOf : jsonOf;
  const [body, ...bodies] = operation.requestBody ? bodiesOf(document, media, sent) : [undefined];
  const request = (values: Values, content: unknown = body): Sent => ({
    method,
    path: urlOf(path, parameters, { ...plain, ...values }),
    headers: {
      ...headersOf(parameters, values),
      ...(mediaType === "application/json" ? { "content-type": mediaType } : {}),
    },
    ...(content === undefined ? {} : { body: encode(content) }),
  });
  const edges = parameters.flatMap((parameter) =>
    textsOf(document, parameter, sent).map((text) => request({ [parameter.name]: text })),
  );
  return [request({}), ...edges, ...bodies.map((one) => request({}, one))];
}

function inTurn<Value>(
  values: readonly Value[],
  name: string,
  schema: Schema,
  sent: SentFields,
): readonly Value[] {
  const key = JSON.stringify([name, schema]);
  const times = sent.get(key) ?? 0;
  sent.set(key, times + 1);
  return times === 0 ? values : values.filter((_, at) => (at + times) % TURNS === 0);
}

function textsOf(document: Document, parameter: Parameter, sent: SentFields): string[] {
  const { name, schema } = parameter;
  const values = boundariesOf(document, schema).filter((value) => typeof value !== "object");
  // Each operation answers for itself whether something in its path does not exist.
  const texts = (parameter.in === "path" ? values : inTurn(values, name, schema, sent)).map(String);
  // An empty part makes another path, and clients refuse to send such headers.
  const isSendable = { path: /./, query: /^/, header: /^[\x21-\x7e]+$/ }[parameter.in];
  return [...new Set(texts)].filter((text) => isSendable.test(text));
}

function urlOf(path: string, parameters: readonly Parameter[], values: Values): string {
  const url = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values[name])));
  const query = new URLSearchParams(
    parameters
      .filter((parameter) => parameter.in === "query" && values[parameter.name] !== undefined)
      .map(({ name }): [string, string] => [name, String(values[name])]),
  );
  return query.size > 0 ? `${url}?${query}` : url;
}

function headersOf(parameters: readonly Parameter[], values: Values): Record<string, string> {
  const named = parameters.filter(({ in: place, name }) => place === "header" && values[name] !== undefined);
  return Object.fromEntries(named.map(({ name }) => [name, String(values[name])]));
}

const jsonOf = (body: unknown) => (typeof body === "string" ? body : JSON.stringify(body));

function formOf(body: unknown): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(Object(body))) {
    if (name === "file" || name === "picture") form.set(name, new Blob([String(value)]), "file.csv");
    else form.set(name, typeof value === "string" ? value : JSON.stringify(value));
  }
  return form;
}

/** The example, bodies of another kind, and the example with each field at its boundaries, unknown or missing. */
function bodiesOf(document: Document, media: Media, sent: SentFields): unknown[] {
  const example = exampleIn(document, media);
  const schema = follow(document, media.schema ?? {});
  const variants = (schema.oneOf ?? [schema]).map((variant) => follow(document, variant));
  const done = new Set<string>();
  const changed = variants.flatMap((variant) =>
    changesOf(document, variant, variant.examples?.[0] ?? example, done, sent),
  );
  return [example, [], null, 1, '"text"', "{", ...changed];
}

function changesOf(
  document: Document,
  schema: Schema,
  example: unknown,
  done: Set<string>,
  sent: SentFields,
): unknown[] {
  const base = Object(example) as Record<string, unknown>;
  const fields = Object.entries(schema.properties ?? {}).flatMap(([name, given]) => {
    const field = follow(document, given);
    // Variants share most of their fields.
    const key = JSON.stringify([name, field]);
    if (done.has(key)) return [];
    done.add(key);
    const inner = field.properties ? changesOf(document, field, base[name] ?? {}, done, sent) : [];
    const { [name]: _, ...without } = base;
    return [
      without,
      ...[...inTurn(boundariesOf(document, field), name, field, sent), ...inner].map((value) => ({
        ...base,
        [name]: value,
      })),
    ];
  });
  return [...fields, { ...base, unknown: 1 }];
}

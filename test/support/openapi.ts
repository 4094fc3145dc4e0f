/** Checks answers against the OpenAPI document that the service publishes: a client may rely on nothing else. */
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { FastifyInstance } from "fastify";
import type { Config } from "../../src/config/config.ts";
import { type Document, follow } from "./document.ts";

const UNDOCUMENTED = ["/docs", "/openapi.json", "/api/docs", "/api/redoc", "/api/schema"];

interface Contract {
  readonly openapi: Document;
  /** Each path of the document, and the paths of requests that it matches. */
  readonly routes: readonly (readonly [template: string, pattern: RegExp])[];
  readonly ajv: Ajv2020;
}

const byApp = new WeakMap<object, Contract>();
/** Almost all apps publish the same document, whose validators take long to compile. */
const byText = new Map<string, Contract>();
const settingsOf = new WeakMap<object, string>();
const bySettings = new Map<string, Contract>();

/** Apps with the same settings publish the same document. Generating it takes 0.1 s of a core. */
export function shareContract(app: object, config: Config): void {
  const env = { ...config.env, DATABASE_URL: "" };
  settingsOf.set(app, JSON.stringify({ ...config, env, databaseUrl: "" }));
}

function contractOf(app: Pick<FastifyInstance, "swagger">): Contract {
  const settings = settingsOf.get(app);
  const known = byApp.get(app) ?? (settings && bySettings.get(settings));
  if (known) return known;
  const text = JSON.stringify(app.swagger());
  const contract = byText.get(text) ?? compile(JSON.parse(text));
  byText.set(text, contract);
  byApp.set(app, contract);
  if (settings) bySettings.set(settings, contract);
  return contract;
}

function compile(openapi: Document): Contract {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "openapi", ...openapi });
  // Like Fastify, prefers a path without parameters.
  const templates = Object.keys(openapi.paths).toSorted((a, b) => a.split("{").length - b.split("{").length);
  const routes = templates.map((template) => [template, patternOf(template)] as const);
  return { openapi, routes, ajv };
}

/** @throws if the document lacks the route, the status or the shape of the body */
export function checkAnswer(
  app: Pick<FastifyInstance, "swagger">,
  method: string,
  path: string,
  response: Response,
  body: unknown,
): void {
  const pathname = path.split("?")[0] ?? "";
  if (UNDOCUMENTED.some((prefix) => pathname.startsWith(prefix))) return;
  const { openapi, routes, ajv } = contractOf(app);
  const [route] = routes.find(([, pattern]) => pattern.test(pathname)) ?? [];
  const operation = route === undefined ? undefined : openapi.paths[route]?.[method.toLowerCase()];
  if (!route || !operation) {
    if (response.status === 404) return;
    throw new Error(`${method} ${pathname} answered ${response.status} and is not in the OpenAPI document.`);
  }
  const answer = operation.responses[String(response.status)];
  if (!answer)
    throw new Error(
      `${method} ${route} answered ${response.status}, which is not documented: ${JSON.stringify(body)}`,
    );
  const { content } = follow(openapi, answer);
  if (!content) return;
  const [mediaType = ""] = (response.headers.get("content-type") ?? "").split(";");
  const range = content[mediaType] ? mediaType : "*/*";
  if (!content[range]?.schema)
    throw new Error(
      `${method} ${route} answered ${response.status} as ${mediaType}, which is not documented.`,
    );
  const pointer = answer.$ref
    ? answer.$ref.slice(2).split("/")
    : ["paths", route, method.toLowerCase(), "responses", String(response.status)];
  const at = [...pointer, "content", range, "schema"].map(encodePointer).join("/");
  const validate = ajv.getSchema(`openapi#/${at}`) as ValidateFunction;
  if (!validate(body))
    throw new Error(`${method} ${route} ${response.status}: ${ajv.errorsText(validate.errors)}`);
}

function patternOf(template: string): RegExp {
  const pattern = template.replace(/\/$/, "").replace(/\{[^}]+\}/g, "[^/]+");
  return new RegExp(`^${pattern}/?$`);
}

function encodePointer(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}

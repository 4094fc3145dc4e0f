/** The OpenAPI 3.1 document, generated from the schemas of routes. */
import swagger from "@fastify/swagger";
import type { FastifyContextConfig, FastifyInstance, FastifySchema } from "fastify";
import type { TSchema } from "typebox";
import { SECURITY } from "./auth.ts";
import { ACCESS_COOKIE } from "./cookies.ts";
import { problems } from "./errors.ts";
import {
  finishDocument,
  HEADERS,
  OPTIONAL_BODY,
  RESPONSES,
  withoutDefaultsRequired,
} from "./openapi-parts.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The schemas, by media type, of a body that the route itself reads and checks. */
    readonly documentedBody?: Readonly<Record<string, TSchema>>;
    /** Whether the route can be called without a body. */
    readonly isBodyOptional?: boolean;
  }
}

const TAGS = {
  auth: "Accounts, logins and API tokens.",
  batches: "CSV uploads, their rows and the results.",
  targets: "Destinations for the rows of an upload.",
  books: "The books that the `books` target creates, and their pictures.",
  records: "The rows of any CSV, stored unchanged by the `records` target.",
  tasks: "Background work: file processing and the task types that a team adds.",
  workflows: "Chains, groups, chords and graphs of tasks.",
  schedules: "Tasks and workflows at certain times.",
  files: "Files that tasks read, and files that tasks created.",
  webhooks: "Signed messages about your events, sent to your own URLs.",
  reports: "For operators: daily and weekly reports of the use of the API.",
  notifications: "What has happened to your batches, your tasks and your account, and how you hear of it.",
  events: "One stream of changes for all that a page shows.",
  mail: "The links in mails.",
  admin: "For operators: the tasks of all users, queues, jobs, workers and mails.",
  legacy:
    "The endpoints of the services that Rowmill replaces, unchanged. Each path works with and without a slash at its end.",
  health: "For load balancers and orchestrators.",
} as const;

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An access token or an API token.",
  },
  cookie: {
    type: "apiKey",
    in: "cookie",
    name: ACCESS_COOKIE,
    description: "An access token, for pages of this site. Other sites cannot make changes with it.",
  },
  basic: {
    type: "http",
    scheme: "basic",
    description: "Username and password in UTF-8. The username cannot contain a colon.",
  },
  token: {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "`Token <token>`, with an API token (`rmt_...`) or an access token.",
  },
} as const;

export async function registerOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Rowmill",
        version,
        license: { name: "MIT", identifier: "MIT" },
        contact: { name: "Rowmill" },
        description:
          "Bulk CSV uploads and background tasks on one PostgreSQL. Rowmill tracks every row of a file, processes it " +
          "exactly once and reports its result. Tasks process files, or do any other work that a team adds; you can " +
          "follow, cancel and retry them.\n\n" +
          "Sign up or log in, and send `Authorization: Bearer <access>` with every other request. Alternatively, create " +
          "an API token and send `Authorization: Token rmt_...`, or send username and password as Basic. Then upload a " +
          "CSV and follow its batch, or create a task and follow it.",
      },
      servers: [{ url: "/" }],
      security: SECURITY,
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: { securitySchemes: SECURITY_SCHEMES, responses: RESPONSES, headers: HEADERS },
    },
    transform: ({ schema, url, route }) => ({
      schema: describeOperation(schema, route.config),
      url: url.replace(/(?<=.)\/$/, ""),
    }),
    transformObject: (document) =>
      "openapiObject" in document ? finishDocument(document.openapiObject) : document.swaggerObject,
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema-${index}`),
    },
  });
}

/** Adds what the schema of a route cannot express: forms, optional fields with defaults, and the login throttle. */
function describeOperation(
  schema: FastifySchema,
  { documentedBody: ownBody, isBodyOptional }: FastifyContextConfig = {},
): FastifySchema {
  if (!schema || schema.hide) return schema;
  const { security, body, querystring, response, ...rest } = schema;
  const { operationId, tags } = rest;
  return {
    ...rest,
    // The `security` of the document applies to operations without their own.
    ...(security === SECURITY ? {} : { security: security ?? [] }),
    // Every route limits the requests of one user, and every guarded route throttles guesses of passwords.
    response: {
      ...(operationId && !tags?.includes("health") ? problems(429) : {}),
      ...(body || ownBody ? problems(408, 413, 429) : {}),
      ...(response as object),
    },
    ...(body ? { body: withoutDefaultsRequired(body) } : {}),
    ...(ownBody ? { body: { content: mediaOf(ownBody) } } : {}),
    ...(isBodyOptional ? { [OPTIONAL_BODY]: true } : {}),
    ...(querystring ? { querystring: withoutDefaultsRequired(querystring) } : {}),
  };
}

function mediaOf(body: Readonly<Record<string, TSchema>>): object {
  return Object.fromEntries(
    Object.entries(body).map(([mediaType, schema]) => [
      mediaType,
      { schema: withoutDefaultsRequired(schema) },
    ]),
  );
}

/** The OpenAPI 3.1 document, generated from the routes' schemas. */
import swagger from "@fastify/swagger";
import type { FastifyInstance, FastifySchema } from "fastify";
import type { TSchema } from "typebox";
import { problems } from "./errors.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body of a route that reads it by itself: media type to schema. Documented, and checked by the route. */
    readonly documentedBody?: Readonly<Record<string, TSchema>>;
  }
}

const TAGS = {
  auth: "Accounts and tokens",
  batches: "Uploads, their rows and what came of them",
  targets: "What rows can become",
  books: "The records that the `books` target makes, and their pictures",
  records: "The rows of any CSV, kept as they are, that the `records` target makes",
  tasks: "Background work: file processing and what a team adds",
  files: "Files to work on, and files that tasks made",
  admin: "For operators: every task, queues, workers",
  seed: "The endpoints of the services that Rowmill replaces, unchanged",
  health: "For load balancers and orchestrators",
} as const;

export async function registerOpenApi(
  app: FastifyInstance,
  publicUrl: string,
  version: string,
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Rowmill",
        version,
        description:
          "Bulk CSV uploads and background tasks on one PostgreSQL. Every row of a file becomes a tracked task, processed " +
          "exactly once; files are worked on, and whatever a team adds, by tasks that can be watched, cancelled and retried.\n\n" +
          "Sign up or log in and send `Authorization: Bearer <access>` with every other call, or make an API token and send " +
          "`Authorization: Token rmt_...`, or send username and password as Basic. Then upload a CSV and follow its batch, " +
          "or create a task and follow it.",
      },
      servers: [{ url: "/" }, { url: publicUrl }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          bearer: {
            type: "http",
            scheme: "bearer",
            bearerFormat: "JWT",
            description: "An access token, or an API token.",
          },
          cookie: {
            type: "apiKey",
            in: "cookie",
            name: "access_token",
            description: "An access token, for pages of this site. Changes must come from such a page.",
          },
          basic: {
            type: "http",
            scheme: "basic",
            description: "Username and password in UTF-8. The name can't have a colon.",
          },
          token: {
            type: "apiKey",
            in: "header",
            name: "Authorization",
            description: "`Token <token>`: an API token (`rmt_...`), or an access token.",
          },
        },
      },
    },
    transform: ({ schema, url, route }) => ({
      schema: describeInput(schema, route.config?.documentedBody),
      url,
    }),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema.$id ?? `schema-${index}`),
    },
  });
}

const FILE_FORM = {
  type: "object",
  required: ["file"],
  properties: { file: { type: "string", format: "binary", description: "The CSV file." } },
};

/** What the routes' own schemas can't say: the file of an upload, that a field with a default may be left out, the login throttle. */
function describeInput(schema: FastifySchema, ownBody?: Readonly<Record<string, TSchema>>): FastifySchema {
  if (!schema) return schema;
  const body = schema.consumes?.includes("multipart/form-data") ? FILE_FORM : schema.body;
  return {
    ...schema,
    // Any of them may come with a name and a password, which can be guessed.
    ...(schema.security ? { response: { ...problems(429), ...(schema.response as object) } } : {}),
    ...(body ? { body: withoutDefaultsRequired(body) } : {}),
    ...(ownBody ? { body: { content: mediaOf(ownBody) } } : {}),
    ...(schema.querystring ? { querystring: withoutDefaultsRequired(schema.querystring) } : {}),
  };
}

function mediaOf(body: Readonly<Record<string, TSchema>>): object {
  return Object.fromEntries(Object.entries(body).map(([mediaType, schema]) => [mediaType, { schema }]));
}

function withoutDefaultsRequired(schema: unknown): unknown {
  const { properties = {}, required = [] } = schema as {
    properties?: Record<string, object>;
    required?: string[];
  };
  return {
    ...(schema as object),
    required: required.filter((name) => !("default" in (properties[name] ?? {}))),
  };
}

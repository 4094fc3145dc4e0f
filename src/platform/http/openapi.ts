/** The OpenAPI 3.1 document, generated from the routes' schemas, and Swagger UI over it. */
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance, FastifySchema } from "fastify";
import type { TSchema } from "typebox";

declare module "fastify" {
  interface FastifyContextConfig {
    /** The body of a route that reads it by itself: media type to schema. Documented, and checked by the route. */
    readonly documentedBody?: Readonly<Record<string, TSchema>>;
  }
}

export const TAGS = {
  auth: "Accounts and tokens",
  batches: "Uploads, their rows and what came of them",
  targets: "What rows can become",
  books: "The records that the `books` target makes, and their pictures",
  records: "The rows of any CSV, kept as they are, that the `records` target makes",
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
          "Bulk CSV uploads on one PostgreSQL: every row of a file becomes a tracked task, processed exactly once.\n\n" +
          "Sign up or log in, send `Authorization: Bearer <access>` with every other call, upload a CSV, follow its batch.",
      },
      servers: [{ url: "/" }, { url: publicUrl }],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
          cookie: { type: "apiKey", in: "cookie", name: "access_token" },
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
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    // Not helmet's default: its upgrade to https would leave a page served over http blank.
    staticCSP:
      "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
    uiConfig: { persistAuthorization: true },
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}

const FILE_FORM = {
  type: "object",
  required: ["file"],
  properties: { file: { type: "string", format: "binary", description: "The CSV file." } },
};

/** What the routes' own schemas can't say: the file of an upload, and that a field with a default may be left out. */
function describeInput(schema: FastifySchema, ownBody?: Readonly<Record<string, TSchema>>): FastifySchema {
  if (!schema) return schema;
  const body = schema.consumes?.includes("multipart/form-data") ? FILE_FORM : schema.body;
  return {
    ...schema,
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

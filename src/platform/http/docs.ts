/** Serves the OpenAPI document as Swagger UI, ReDoc, JSON and YAML, without loading anything from other servers. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { negotiate } from "@fastify/accept-negotiator";
import fastifyStatic from "@fastify/static";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

/** Helmet's default would upgrade requests to https, so that a page served over http would stay blank. */
const CSP = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** The search of ReDoc runs in a web worker from a blob. */
const REDOC_CSP = `${CSP}; worker-src 'self' blob:`;
const REDOC = fileURLToPath(import.meta.resolve("redoc/bundles/redoc.standalone.js"));
const REDOC_PAGE = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Rowmill</title>
    <style>body { margin: 0 }</style>
  </head>
  <body>
    <redoc spec-url="/openapi.json"></redoc>
    <script src="/api/redoc/redoc.standalone.js"></script>
  </body>
</html>
`;

const YAML = "application/yaml";

export async function registerDocs(app: FastifyInstance): Promise<void> {
  for (const routePrefix of ["/docs", "/api/docs"]) {
    // Swagger UI decorates the app, so each needs a scope of its own.
    await app.register(async (scope) => {
      const uiConfig = { persistAuthorization: true };
      await scope.register(swaggerUi, { routePrefix, staticCSP: CSP, uiConfig });
    });
  }
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, { root: dirname(REDOC), serve: false });
    const hidden = { schema: { hide: true } };
    scope.get("/api/redoc/", hidden, (_request, reply) =>
      reply.type("text/html; charset=utf-8").header("content-security-policy", REDOC_CSP).send(REDOC_PAGE),
    );
    scope.get("/api/redoc/redoc.standalone.js", hidden, (_request, reply) =>
      reply.sendFile("redoc.standalone.js"),
    );
  });
  app.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  app.get<{ Querystring: { format?: string } }>(
    "/api/schema/",
    {
      schema: {
        hide: true,
        querystring: { type: "object", properties: { format: { enum: ["json", "yaml"] } } },
      },
    },
    async ({ headers, query }, reply) => {
      reply.header("vary", "accept");
      const accepted = negotiate(headers.accept ?? "*/*", ["application/json", YAML]);
      const isYaml = query.format ? query.format === "yaml" : accepted === YAML;
      return isYaml ? reply.type(YAML).send(app.swagger({ yaml: true })) : app.swagger();
    },
  );
}

/** Refuses query parameters that a route does not have: a list with a misspelt filter would show everything. */
import type { FastifyInstance, FastifyRequest, RouteOptions } from "fastify";
import { invalidField } from "../../errors.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** For links of mails and for event streams: mail servers and libraries add parameters of their own. */
    readonly ignoresUnknownQueries?: boolean;
  }
}

const MAX_NAME_LENGTH = 100;

/**
 * Call it before routes are added. It concerns all reads below `prefix` that have parameters. Others, such as the legacy API, ignore
 * unknown ones.
 */
export function refuseUnknownQueries(app: FastifyInstance, prefix: string): void {
  app.addHook("onRoute", (route) => {
    const known = knownQueries(route);
    if (!known || route.config?.ignoresUnknownQueries || !route.url.startsWith(prefix)) return;
    if (![route.method].flat().some((method) => method === "GET" || method === "HEAD")) return;
    const refuse = async ({ query }: FastifyRequest) => {
      for (const name of Object.keys(query as object)) {
        if (known.includes(name)) continue;
        throw invalidField(
          name.slice(0, MAX_NAME_LENGTH),
          `Unknown parameter. Known parameters: ${known.join(", ")}.`,
        );
      }
    };
    route.preValidation = [route.preValidation ?? []].flat().concat(refuse);
  });
}

function knownQueries({ schema }: RouteOptions): string[] | null {
  const { properties } = (schema?.querystring ?? {}) as { properties?: object };
  return properties ? Object.keys(properties).toSorted() : null;
}

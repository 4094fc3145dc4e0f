/** Groups of routes that require authentication. */
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { Config } from "../../config/config.ts";
import type { Role } from "../../schema/accounts.ts";
import { authenticate, requireRole, SECURITY } from "./auth.ts";

interface Group {
  readonly tags: string[];
  /** The roles that can call these routes; absent: every role. */
  readonly roles?: readonly Role[];
}

/** The part of the route schema that all routes of the group share. */
interface Shared extends Pick<Group, "tags"> {
  readonly security: typeof SECURITY;
  /** In the OpenAPI document. */
  readonly "x-roles"?: readonly Role[];
}

/**
 * Guards all routes that `define` adds: 401 without valid credentials, 403 for other roles. Begin the schema of each route
 * with `...shared`, which documents this.
 */
export function userRoutes(
  { config }: { readonly config: Config },
  { tags, roles }: Group,
  define: (app: Parameters<FastifyPluginAsyncTypebox>[0], shared: Shared) => void,
): FastifyPluginAsyncTypebox {
  return async (app) => {
    app.addHook("onRequest", authenticate(config));
    if (roles) app.addHook("onRequest", requireRole(...roles));
    define(app, { tags, security: SECURITY, ...(roles && { "x-roles": roles }) });
  };
}

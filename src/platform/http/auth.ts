/** Who sends a request: a JWT as Bearer, or in an httpOnly cookie that only same-origin pages may use for changes. */
import cookie from "@fastify/cookie";
import jwt from "@fastify/jwt";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config.ts";
import { DomainError } from "../../errors.ts";

export type Role = "user" | "operator" | "admin";

export interface Caller {
  readonly id: number;
  readonly username: string;
  readonly role: Role;
}

declare module "@fastify/jwt" {
  interface FastifyJWT {
    payload: { sub: string; name: string; role: Role };
    user: Caller;
  }
}

export const ACCESS_COOKIE = "access_token";
export const REFRESH_COOKIE = "refresh_token";
/** The refresh token is sent nowhere else. */
const REFRESH_PATH = "/api/v1/auth";
const ALGORITHM = "HS256";
const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

export async function registerAuth(app: FastifyInstance, config: Config): Promise<void> {
  await app.register(cookie);
  await app.register(jwt, {
    secret: config.jwtSecret,
    sign: { algorithm: ALGORITHM, expiresIn: config.accessTokenTtlSeconds },
    verify: { algorithms: [ALGORITHM] },
    cookie: { cookieName: ACCESS_COOKIE, signed: false },
    formatUser: ({ sub, name, role }) => ({ id: Number(sub), username: name, role }),
  });
}

/** An onRequest hook: 401 without a valid token, before a byte of the body is read. */
export function authenticate(config: Config) {
  return async (request: FastifyRequest): Promise<void> => {
    try {
      await request.jwtVerify();
    } catch (error) {
      const message = "Log in at /api/v1/auth/login and send `Authorization: Bearer <access token>`.";
      throw new DomainError("unauthenticated", message, { cause: error });
    }
    if (!request.headers.authorization) requireSameOrigin(request, config);
  };
}

/** Refuses a change that another site's page could have sent with the user's cookie. */
export function requireSameOrigin(request: FastifyRequest, config: Config): void {
  if (SAFE_METHODS.has(request.method)) return;
  const { origin } = request.headers;
  const isSame = origin
    ? origin === config.publicUrl || origin === `${request.protocol}://${request.host}`
    : request.headers["sec-fetch-site"] === "same-origin";
  if (isSame) return;
  const message =
    "A change with the cookie alone must come from this site's own pages; send `Authorization: Bearer` instead.";
  throw new DomainError("forbidden", message);
}

export function setSessionCookies(
  reply: FastifyReply,
  config: Config,
  access: string,
  refresh: string,
): void {
  const shared = { httpOnly: true, sameSite: "lax", secure: config.publicUrl.startsWith("https:") } as const;
  reply.setCookie(ACCESS_COOKIE, access, { ...shared, path: "/", maxAge: config.accessTokenTtlSeconds });
  reply.setCookie(REFRESH_COOKIE, refresh, {
    ...shared,
    path: REFRESH_PATH,
    maxAge: config.refreshTokenTtlSeconds,
  });
}

export function clearSessionCookies(reply: FastifyReply): void {
  reply.clearCookie(ACCESS_COOKIE, { path: "/" });
  reply.clearCookie(REFRESH_COOKIE, { path: REFRESH_PATH });
}

/** An onRequest hook behind `authenticate`: 403 for everybody but these. The role is the one that the token was signed with. */
export function requireRole(...roles: readonly Role[]) {
  return async ({ user }: FastifyRequest): Promise<void> => {
    if (roles.includes(user.role)) return;
    throw new DomainError("forbidden", `Only for: ${roles.join(", ")}. You are: ${user.role}.`);
  };
}

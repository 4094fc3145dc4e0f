/**
 * Authenticates requests by a JWT (as Bearer, Token, or in an httpOnly cookie that only pages of the same origin may use
 * for changes), an API token, or a username and password. If the header `Authorization` is set, the cookie is ignored.
 */
import cookie from "@fastify/cookie";
import jwt from "@fastify/jwt";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config/config.ts";
import { DomainError } from "../../errors.ts";
import type { Caller, Role } from "../../schema/accounts.ts";
import type { Log } from "../log.ts";
import { parseBasic } from "./basic.ts";
import { accessCookie, type Cookies } from "./cookies.ts";

export interface PasswordLogin {
  readonly username: string;
  readonly password: string;
  /** The IP address of the client. */
  readonly address: string;
  /** All cookies of the request. */
  readonly cookies: Cookies;
}

/** Checks credentials against the database. Each function throws DomainError `unauthenticated` if they are wrong. */
export interface Verifiers {
  /** @throws DomainError `too_many_attempts` */
  readonly password: (login: PasswordLogin) => Promise<Caller>;
  readonly apiToken: (token: string, log: Log) => Promise<Caller>;
}

type Proof = "access_token" | "api_token" | "password";

interface Payload {
  sub: string;
  name: string;
  role: Role;
}

declare module "@fastify/jwt" {
  interface FastifyJWT {
    payload: Payload;
    user: Caller;
  }
}

declare module "fastify" {
  interface FastifyInstance {
    readonly verifiers: Verifiers;
  }
  interface FastifyRequest {
    /** The kind of credentials; null on routes without authentication. */
    proof: Proof | null;
  }
}

/** For the schema of every route that `authenticate` guards: the accepted schemes. */
export const SECURITY = [{ bearer: [] }, { cookie: [] }, { basic: [] }, { token: [] }];

/** No JWT begins with this prefix. */
export const API_TOKEN_PREFIX = "rmt_";

const ALGORITHM = "HS256";

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Browsers ask for a password if they receive `Basic`, so it is only sent to clients that tried it. */
const CHALLENGES: ReadonlyMap<string, string> = new Map([
  ["basic", 'Basic realm="rowmill", charset="UTF-8"'],
  ["token", 'Token realm="rowmill"'],
]);

export const BEARER_CHALLENGE = 'Bearer realm="rowmill"';

export async function registerAuth(
  app: FastifyInstance,
  config: Config,
  verifiers: Verifiers,
): Promise<void> {
  await app.register(cookie);
  await app.register(jwt, {
    secret: config.jwtSecret,
    sign: { algorithm: ALGORITHM, expiresIn: config.accessTokenTtlSeconds },
    verify: { algorithms: [ALGORITHM] },
  });
  app.decorate("verifiers", verifiers);
  app.decorateRequest("proof", null);
}

/** An onRequest hook: answers 401 without valid credentials, before the body is read. */
export function authenticate(config: Config) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { authorization } = request.headers;
    if (!authorization) {
      takeAccessToken(request, accessCookie(request, config) ?? "");
      requireSameOrigin(request, config);
      return;
    }
    const [name = "", ...rest] = authorization.trim().split(/ +/);
    const scheme = name.toLowerCase();
    const credentials = rest.length === 1 ? (rest[0] ?? "") : "";
    reply.header("www-authenticate", CHALLENGES.get(scheme) ?? BEARER_CHALLENGE);
    await takeCredentials(request, scheme, credentials);
    reply.removeHeader("www-authenticate");
    // A browser that knows the password sends it with forms of other sites too. Programs send no site.
    if (scheme === "basic" && isSentByPage(request)) requireSameOrigin(request, config);
  };
}

async function takeCredentials(request: FastifyRequest, scheme: string, credentials: string): Promise<void> {
  const { verifiers } = request.server;
  if (scheme === "basic") {
    request.user = await verifiers.password({ ...basicOf(credentials), ...clientOf(request) });
    request.proof = "password";
  } else if (scheme !== "bearer" && scheme !== "token") {
    throw new DomainError("unauthenticated", "`Authorization` must be Bearer, Token or Basic.");
  } else if (credentials.startsWith(API_TOKEN_PREFIX)) {
    request.user = await verifiers.apiToken(credentials, request.log as Log);
    request.proof = "api_token";
  } else takeAccessToken(request, credentials);
}

/** The part of a login that identifies the client. */
export function clientOf({ ip, cookies }: FastifyRequest): Pick<PasswordLogin, "address" | "cookies"> {
  return { address: ip, cookies };
}

function basicOf(credentials: string): { username: string; password: string } {
  const basic = parseBasic(credentials);
  if (basic) return basic;
  const message = "`Authorization: Basic` must be followed by the base64 of `username:password` in UTF-8.";
  throw new DomainError("unauthenticated", message);
}

function takeAccessToken(request: FastifyRequest, token: string): void {
  try {
    const { sub, name, role } = request.server.jwt.verify<Payload>(token);
    request.user = { id: Number(sub), username: name, role };
    request.proof = "access_token";
  } catch (error) {
    const message = "Log in at /api/v1/auth/login and send `Authorization: Bearer <access token>`.";
    throw new DomainError("unauthenticated", message, { cause: error });
  }
}

function isSentByPage({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
}

/**
 * Refuses changes that a page of another site may have sent: browsers add cookies and known passwords automatically.
 * @throws DomainError `forbidden`
 */
export function requireSameOrigin(request: FastifyRequest, config: Config): void {
  if (SAFE_METHODS.has(request.method)) return;
  const { origin } = request.headers;
  const isSame = origin
    ? origin === config.publicUrl || origin === `${request.protocol}://${request.host}`
    : request.headers["sec-fetch-site"] === "same-origin";
  if (isSame) return;
  const message =
    "Only pages of this site can make changes with a cookie or a password. Send `Authorization: Bearer` instead.";
  throw new DomainError("forbidden", message);
}

/** An onRequest hook after `authenticate`: answers 403 to other roles. A JWT has the role of the time it was signed. */
export function requireRole(...roles: readonly Role[]) {
  return async ({ user }: FastifyRequest): Promise<void> => {
    if (roles.includes(user.role)) return;
    throw new DomainError(
      "forbidden",
      `Only these roles can do this: ${roles.join(", ")}. Your role: ${user.role}.`,
    );
  };
}

/**
 * Authenticates requests by a JWT of a session (as Bearer, Token, or in an httpOnly cookie that only pages of the same origin may use
 * for changes), an API token, or a username and password. If the header `Authorization` is set, the cookie is ignored.
 */
import cookie from "@fastify/cookie";
import jwt from "@fastify/jwt";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config/config.ts";
import { DomainError } from "../../errors.ts";
import type { Caller, Proof, Role } from "../../schema/accounts.ts";
import type { Log } from "../log.ts";
import { parseBasic } from "./basic.ts";
import { accessCookie, type Cookies } from "./cookies.ts";

export interface PasswordLogin {
  readonly username: string;
  readonly password: string;
  /** The IP address of the client. */
  readonly address: string;
  /** The id of the request. */
  readonly requestId: string;
  /** All cookies of the request. */
  readonly cookies: Cookies;
}

/** The user of a request, and the credentials that proved it. */
export type Login = { readonly user: Caller } & (
  | { readonly proof: Extract<Proof, "access_token">; readonly sessionId: string }
  | { readonly proof: Extract<Proof, "api_token">; readonly tokenId: number }
  | { readonly proof: Extract<Proof, "password">; readonly passwordHash: string }
);

/** For routes that `authenticate` guards. @throws Error on other routes */
export function loginOf({ login }: FastifyRequest): Login {
  if (!login) throw new Error("The route does not authenticate its clients.");
  return login;
}

/** The session of a request; null if its credentials have none. */
export function sessionOf(login: Login | null): string | null {
  return login?.proof === "access_token" ? login.sessionId : null;
}

/**
 * Checks credentials against the database. Each function throws DomainError `unauthenticated` if they are wrong, and
 * `account_disabled` if they are right but the account is disabled.
 */
export interface Verifiers {
  /** @throws DomainError `too_many_attempts` */
  readonly password: (login: PasswordLogin) => Promise<Login>;
  readonly apiToken: (token: string, log: Log) => Promise<Login>;
  /** Returns the user of a session; null if the session is unknown or has ended. */
  readonly session: (sessionId: string) => Promise<Caller | null>;
  /** Calls `onEnd` when the login ends. @returns a function that stops watching */
  readonly watch: (login: Login, onEnd: () => void) => () => void;
}

/** The claims of an access token, beside `iat`, `exp`, `iss` and `aud`. The role is not one: it can change meanwhile. */
interface Payload {
  /** The id of the user. */
  sub: string;
  /** The id of the session. */
  sid: string;
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
    /** null on routes without authentication. */
    login: Login | null;
  }
}

/** For the schema of every route that `authenticate` guards: the accepted schemes. */
export const SECURITY = [{ bearer: [] }, { cookie: [] }, { basic: [] }, { token: [] }];

/** No JWT begins with this prefix. */
export const API_TOKEN_PREFIX = "rmt_";

const ALGORITHM = "HS256";
/** The type of access tokens (RFC 9068). No other kind of token that JWT_SECRET may sign is accepted in their place. */
const TOKEN_TYPE = "at+jwt";
const ISSUER = "rowmill";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const SAFE_METHODS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Browsers ask for a password if they receive `Basic`, so it is only sent to clients that tried it. */
const CHALLENGES: ReadonlyMap<string, string> = new Map([
  ["basic", 'Basic realm="rowmill", charset="UTF-8"'],
  ["token", 'Token realm="rowmill"'],
]);

export const BEARER_CHALLENGE = 'Bearer realm="rowmill"';

/** Adds the functions that authenticate requests and sign access tokens. */
export async function registerAuth(
  app: FastifyInstance,
  config: Config,
  verifiers: Verifiers,
): Promise<void> {
  await app.register(cookie);
  await app.register(jwt, {
    secret: config.jwtSecret,
    sign: {
      algorithm: ALGORITHM,
      expiresIn: config.accessTokenTtlSeconds,
      iss: ISSUER,
      aud: ISSUER,
      header: { alg: ALGORITHM, typ: TOKEN_TYPE },
    },
    verify: {
      algorithms: [ALGORITHM],
      allowedIss: ISSUER,
      allowedAud: ISSUER,
      checkTyp: TOKEN_TYPE,
      requiredClaims: ["exp", "iss", "aud", "sub", "sid"],
      // Of the signature and the claims only: the session is checked for each request.
      cache: true,
    },
  });
  app.decorate("verifiers", verifiers);
  app.decorateRequest("login", null);
}

/** An onRequest hook: answers 401 without valid credentials, before the body is read. */
export function authenticate(config: Config) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { authorization } = request.headers;
    if (!authorization) {
      takeLogin(request, await verifyAccessToken(request, accessCookie(request, config) ?? ""));
      requireSameOrigin(request, config);
      return;
    }
    const [name = "", ...rest] = authorization.trim().split(/ +/);
    const scheme = name.toLowerCase();
    const credentials = rest.length === 1 ? (rest[0] ?? "") : "";
    reply.header("www-authenticate", CHALLENGES.get(scheme) ?? BEARER_CHALLENGE);
    takeLogin(request, await verifyCredentials(request, scheme, credentials));
    reply.removeHeader("www-authenticate");
    // A browser that knows the password sends it with forms of other sites too. Programs send no site.
    if (scheme === "basic" && isSentByPage(request)) requireSameOrigin(request, config);
  };
}

function takeLogin(request: FastifyRequest, login: Login): void {
  request.user = login.user;
  request.login = login;
}

async function verifyCredentials(
  request: FastifyRequest,
  scheme: string,
  credentials: string,
): Promise<Login> {
  const { verifiers } = request.server;
  if (scheme === "basic") return verifiers.password({ ...basicOf(credentials), ...clientOf(request) });
  if (scheme !== "bearer" && scheme !== "token")
    throw new DomainError("unauthenticated", "`Authorization` must be Bearer, Token or Basic.");
  if (credentials.startsWith(API_TOKEN_PREFIX)) return verifiers.apiToken(credentials, request.log as Log);
  return verifyAccessToken(request, credentials);
}

/** The part of a login that identifies the client. */
export function clientOf(request: FastifyRequest): Omit<PasswordLogin, "username" | "password"> {
  const { ip, id, cookies } = request;
  return { address: ip, requestId: id, cookies };
}

function basicOf(credentials: string): { username: string; password: string } {
  const basic = parseBasic(credentials);
  if (basic) return basic;
  const message = "`Authorization: Basic` must be followed by the base64 of `username:password` in UTF-8.";
  throw new DomainError("unauthenticated", message);
}

async function verifyAccessToken({ server }: FastifyRequest, token: string): Promise<Login> {
  const { sub, sid } = readClaims(server, token);
  const user = await server.verifiers.session(sid);
  if (!user || String(user.id) !== sub) throw sessionEnded();
  return { proof: "access_token", user, sessionId: sid };
}

export function sessionEnded(): DomainError {
  return new DomainError("unauthenticated", "The session of this access token has ended. Log in again.");
}

function readClaims({ jwt }: FastifyInstance, token: string): Payload {
  const message = "Log in at /api/v1/auth/login and send `Authorization: Bearer <access token>`.";
  try {
    const claims = jwt.verify<Payload>(token);
    if (!UUID.test(claims.sid)) throw new Error("The claim `sid` is not the id of a session.");
    return claims;
  } catch (error) {
    throw new DomainError("unauthenticated", message, { cause: error });
  }
}

function isSentByPage({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined || headers["sec-fetch-site"] !== undefined;
}

const ONLY_OWN_PAGES =
  "Only pages of this site can make changes with a cookie or a password. Send `Authorization: Bearer` instead.";

/**
 * Refuses changes that a page of another site may have sent: browsers add cookies and known passwords automatically.
 * @throws DomainError `forbidden`
 */
export function requireSameOrigin(request: FastifyRequest, config: Config, refusal = ONLY_OWN_PAGES): void {
  if (SAFE_METHODS.has(request.method)) return;
  const { origin } = request.headers;
  const isSame = origin
    ? origin === config.publicUrl || origin === `${request.protocol}://${request.host}`
    : request.headers["sec-fetch-site"] === "same-origin";
  if (!isSame) throw new DomainError("forbidden", refusal);
}

/** An onRequest hook after `authenticate`: answers 403 to API tokens, which may leak and must not outlive themselves. */
export async function refuseApiToken({ login }: FastifyRequest): Promise<void> {
  if (login?.proof !== "api_token") return;
  const message =
    "An API token cannot change accounts, passwords, sessions, tokens or secrets, or download backups. " +
    "Log in and send the access token instead.";
  throw new DomainError("forbidden", message);
}

/** An onRequest hook after `authenticate`: answers 403 to other roles. */
export function requireRole(...roles: readonly Role[]) {
  return async ({ user }: FastifyRequest): Promise<void> => {
    if (roles.includes(user.role)) return;
    throw new DomainError(
      "forbidden",
      `Only these roles can do this: ${roles.join(", ")}. Your role: ${user.role}.`,
    );
  };
}

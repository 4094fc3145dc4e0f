/** Cookies of browsers: out of the reach of scripts, of other sites and, over https, of other hosts. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Config } from "../../config/config.ts";

export type Cookies = Readonly<Record<string, string | undefined>>;

/** Browsers accept this prefix only for a cookie that is Secure, has the path `/`, and belongs to one host. */
const HOST_PREFIX = "__Host-";

export const ACCESS_COOKIE = "access_token";
const REFRESH_COOKIE = "refresh_token";

/** Over http, browsers send the refresh token only to this path. */
const REFRESH_PATH = "/api/v1/auth";

/** Whether the client uses https, according to TRUST_PROXY or PUBLIC_URL. */
export function isSecure({ protocol }: Pick<FastifyRequest, "protocol">, { publicUrl }: Config): boolean {
  return protocol === "https" || publicUrl.startsWith("https:");
}

export function accessCookie(request: FastifyRequest, config: Config): string | undefined {
  return request.cookies[nameOf(ACCESS_COOKIE, isSecure(request, config))];
}

export function refreshCookie(request: FastifyRequest, config: Config): string | undefined {
  return request.cookies[nameOf(REFRESH_COOKIE, isSecure(request, config))];
}

/** For cookies with a signature, which may have either name. */
export function signedCookie(cookies: Cookies, name: string): string | undefined {
  return cookies[nameOf(name, true)] ?? cookies[name];
}

export function setSessionCookies(
  reply: FastifyReply,
  config: Config,
  access: string,
  refresh: string,
): void {
  setCookie(reply, config, ACCESS_COOKIE, access, config.accessTokenTtlSeconds);
  setCookie(reply, config, REFRESH_COOKIE, refresh, config.refreshTokenTtlSeconds, REFRESH_PATH);
}

export function clearSessionCookies(reply: FastifyReply, config: Config): void {
  setCookie(reply, config, ACCESS_COOKIE, "", 0);
  setCookie(reply, config, REFRESH_COOKIE, "", 0, REFRESH_PATH);
}

/** @param path over http; over https it is always `/` */
export function setCookie(
  reply: FastifyReply,
  config: Config,
  name: string,
  value: string,
  maxAge: number,
  path = "/",
): void {
  const secure = isSecure(reply.request, config);
  reply.setCookie(nameOf(name, secure), value, {
    httpOnly: true,
    sameSite: "lax",
    secure,
    path: secure ? "/" : path,
    maxAge,
  });
}

function nameOf(name: string, isSecure: boolean): string {
  return isSecure ? HOST_PREFIX + name : name;
}

/**
 * A browser that has logged in to an account keeps a signed cookie. Failed logins of other clients do not delay it.
 * https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
 */
import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { Config } from "../config/config.ts";
import { type Cookies, setCookie, signedCookie } from "../platform/http/cookies.ts";

const MAX_AGE_SECONDS = 365 * 86_400;

/** Returns the id of the device, or null if it never logged in to this account. */
export function knownDevice(config: Config, cookies: Cookies, userId: number): string | null {
  const [id = "", signature = ""] = (signedCookie(cookies, nameFor(userId)) ?? "").split(".");
  const expected = sign(config, userId, id);
  const given = Buffer.from(signature, "base64url");
  return given.length === expected.length && timingSafeEqual(given, expected) ? id : null;
}

/** Marks the client as a device that has logged in. A known device keeps its id. */
export function rememberDevice(reply: FastifyReply, config: Config, userId: number): void {
  const id = knownDevice(config, reply.request.cookies, userId) ?? randomBytes(16).toString("base64url");
  const value = `${id}.${sign(config, userId, id).toString("base64url")}`;
  setCookie(reply, config, nameFor(userId), value, MAX_AGE_SECONDS);
}

function nameFor(userId: number): string {
  return `device_${userId}`;
}

function sign({ jwtSecret }: Config, userId: number, id: string): Buffer {
  const key = Buffer.from(hkdfSync("sha256", jwtSecret, "", "rowmill device cookie", 32));
  return createHmac("sha256", key).update(`${userId}.${id}`).digest();
}

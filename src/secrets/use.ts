/** Decides which requests may have a secret. */
import { Permanent } from "../errors.ts";
import type { Role } from "../schema/accounts.ts";
import type { ListedSecret } from "./queries.ts";

export interface SecretUse {
  /** The URL of the request that has the secret, or that is signed with it. */
  readonly url: string;
  /** The role of the user whose request it is. */
  readonly role: Role;
}

/** Returns a host as the URLs of requests have it, such as `10.0.0.1` for `0x0a.1`; null: no URL has this host. */
export function canonicalHost(host: string): string | null {
  // The port stays even where it is that of the scheme, which a URL would drop.
  const [, given = ""] = /:(\d+)$/.exec(host) ?? [];
  const port = given && Number(given);
  if (port === 0 || !URL.canParse(`https://${host}`)) return null;
  const { hostname } = new URL(`https://${host}`);
  return port === "" ? hostname : `${hostname}:${port}`;
}

/** Returns why a request may not have a secret; null: it may. The text follows the name of the secret. */
export function whyRefused({ hosts, isShared }: ListedSecret, { url, role }: SecretUse): string | null {
  if (!isShared && role !== "admin") return "is only for requests of administrators.";
  if (hosts.length === 0) return null;
  const { protocol, hostname, port } = new URL(url);
  const withPort = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  if (hosts.some((host) => host === hostname || host === withPort)) return null;
  return `may not be sent to ${hostname}. Its hosts: ${hosts.join(", ")}.`;
}

/** @throws Permanent `secret_refused` */
export function requireAllowed(secret: ListedSecret, use: SecretUse): void {
  const reason = whyRefused(secret, use);
  if (reason !== null) throw new Permanent("secret_refused", `The secret ${secret.name} ${reason}`);
}

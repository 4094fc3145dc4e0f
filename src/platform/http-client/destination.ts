/** Checks the URLs of outgoing requests. The address behind a name is checked at each connection (guarded-agent.ts). */
import { isIP } from "node:net";
import type { Network } from "../../config/networks.ts";
import { isReachable } from "./addresses.ts";

export interface EgressRules {
  readonly allowHttp: boolean;
  /** Networks that may be reached although they are not public. */
  readonly allowedNetworks: readonly Network[];
  /** The ports of this installation, which are never reached. */
  readonly ownPorts: readonly number[];
  /** The URL of a proxy that looks up names and opens all connections; empty: none. */
  readonly proxyUrl: string;
}

/** The destination is not allowed. The message follows the name of a field. */
export class DestinationRefused extends Error {
  override name = "DestinationRefused";
  readonly code = "EADDRNOTALLOWED";
}

export const NOT_PUBLIC =
  "leads to an address that is not on the public internet. The operator can allow networks in WEBHOOK_ALLOWED_NETWORKS.";

const WELL_KNOWN_PORTS = [80, 443];
const FIRST_FREE_PORT = 1024;

/** @throws DestinationRefused */
export function parseDestination(text: string, rules: EgressRules): URL {
  const url = URL.parse(text);
  if (!url) throw new DestinationRefused("is not a URL. Example: https://example.com/webhooks");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && rules.allowHttp))
    throw new DestinationRefused(
      "must begin with https://. The operator can allow http:// in WEBHOOK_ALLOW_HTTP.",
    );
  if (url.username !== "" || url.password !== "")
    throw new DestinationRefused("must not contain a username or a password. Send a custom header instead.");
  const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
  if (!WELL_KNOWN_PORTS.includes(port) && port < FIRST_FREE_PORT)
    throw new DestinationRefused(
      `must not use port ${port}. Use 443, 80, or a port from ${FIRST_FREE_PORT}.`,
    );
  if (rules.ownPorts.includes(port))
    throw new DestinationRefused(`must not use port ${port}, which belongs to this installation.`);
  const address = literalOf(url.hostname);
  if (address !== null && !isReachable(address, rules.allowedNetworks))
    throw new DestinationRefused(NOT_PUBLIC);
  return url;
}

/** Returns the address if the host is one, and null if it is a name. */
export function literalOf(hostname: string): string | null {
  const host = hostname.replace(/^\[|\]$/g, "");
  return isIP(host) === 0 ? null : host;
}

/** Opens connections for outgoing requests, to checked addresses only. */
import type { LookupFunction } from "node:net";
import type { buildConnector, Dispatcher } from "undici";
import type { Network } from "../../config/networks.ts";
import { isReachable } from "./addresses.ts";
import { DestinationRefused, type EgressRules, literalOf, NOT_PUBLIC } from "./destination.ts";
import { type HostAddress, resolveHost } from "./resolve-host.ts";

/** Covers the look-up of the name and the handshakes of TCP and TLS. */
export const CONNECT_MS = 5000;

/** How long a connection may rest between two requests. */
const IDLE_MS = 1000;

/** With `pipelining: 0`, undici closes the connection after each request. */
const ONE_REQUEST = { pipelining: 0, connections: 1, allowH2: false } as const;
const MANY_REQUESTS = {
  ...{ ...ONE_REQUEST, pipelining: 1 },
  ...{ keepAliveTimeout: IDLE_MS, keepAliveMaxTimeout: IDLE_MS },
} as const;

/**
 * Most processes send no requests, and undici takes 20 MB, so the first request loads it.
 *
 * The address is checked when a connection is opened, so the caller closes a connection that it keeps after a short time.
 * Through a proxy, the proxy looks up names and must refuse private addresses; addresses in URLs are checked before.
 * @param onConnect is called for each connection to an endpoint, which is then kept; null: each has one request
 */
export async function openGuardedAgent(
  rules: EgressRules,
  maxResponseBytes: number,
  onConnect: (() => void) | null,
): Promise<Dispatcher> {
  const { Agent, buildConnector, Client, ProxyAgent } = await import("undici");
  const options = {
    ...(onConnect ? MANY_REQUESTS : ONE_REQUEST),
    maxResponseSize: maxResponseBytes,
    // An agent for a proxy does not pass on the events of its connections.
    factory: (origin: string | URL, client: object) => {
      const opened = new Client(origin, client);
      return onConnect ? opened.on("connect", onConnect) : opened;
    },
  };
  if (rules.proxyUrl !== "") return new ProxyAgent({ ...options, uri: rules.proxyUrl, proxyTunnel: true });
  const connect = buildConnector({
    lookup: guardedLookup(rules.allowedNetworks),
    timeout: CONNECT_MS,
    allowH2: false,
  });
  return new Agent({ ...options, connect: guardedConnector(connect, rules.allowedNetworks) });
}

/** The socket connects to the addresses that were checked, so a second look-up cannot return other ones. */
function guardedConnector(
  connect: buildConnector.connector,
  allowed: readonly Network[],
): buildConnector.connector {
  return (options, callback) => {
    // The socket does not call `lookup` for addresses.
    const address = literalOf(options.hostname);
    if (address !== null && !isReachable(address, allowed))
      callback(new DestinationRefused(NOT_PUBLIC), null);
    else connect(options, callback);
  };
}

/** Refuses a name if any of its addresses is not reachable: the socket chooses among them. */
export function guardedLookup(allowed: readonly Network[], resolve = resolveHost): LookupFunction {
  return (hostname, options, callback) => {
    const answer = (addresses: readonly HostAddress[]) => {
      const [first] = addresses;
      if (!first || addresses.some(({ address }) => !isReachable(address, allowed)))
        callback(new DestinationRefused(NOT_PUBLIC), "");
      else if (options.all) callback(null, [...addresses]);
      else callback(null, first.address, first.family);
    };
    resolve(hostname).then(answer, (error) => callback(error, ""));
  };
}

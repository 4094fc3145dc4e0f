/** Looks up the addresses of a name without waiting for the look-ups of other names. */
import { getServers, lookup, Resolver } from "node:dns/promises";
import pLimit from "p-limit";

export interface HostAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

const QUERY_MS = 2000;
const QUERIES = 2;
/** The name servers do not know the name, or none is configured. Only then the operating system is asked. */
const UNKNOWN = new Set(["ENOTFOUND", "ENODATA", "ECONNREFUSED"]);

/**
 * The look-ups of the operating system wait in the four threads that files and passwords need too, and a slow name server
 * holds a thread for many seconds.
 */
const systemLookups = pLimit(1);

/**
 * Asks the name servers. A name that they do not know may be in the hosts file or need a search domain.
 * @throws Error with the code ENOTFOUND if the name is unknown, or EAI_AGAIN if the name servers are in trouble
 */
export async function resolveHost(
  hostname: string,
  servers: readonly string[] = getServers(),
  askSystem = (name: string) => lookup(name, { all: true }),
): Promise<readonly HostAddress[]> {
  const name = hostname.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return LOOPBACK;
  const resolver = new Resolver({ timeout: QUERY_MS, tries: QUERIES });
  resolver.setServers(servers);
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const [v4, v6] = answers.map((answer) => (answer.status === "fulfilled" ? answer.value : []));
  const found = [...ofFamily(v4, 4), ...ofFamily(v6, 6)];
  if (found.length > 0) return found;
  const trouble = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  const cause = trouble.find(({ code }) => !UNKNOWN.has(code));
  if (cause)
    throw Object.assign(new Error("The name servers do not answer.", { cause }), { code: "EAI_AGAIN" });
  const known = await systemLookups(() => askSystem(name));
  return known.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/** As RFC 6761 requires. */
const LOOPBACK: readonly HostAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

function ofFamily(addresses: readonly string[] = [], family: 4 | 6): HostAddress[] {
  return addresses.map((address) => ({ address, family }));
}

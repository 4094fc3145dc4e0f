import ipaddr from "ipaddr.js";

/** An IPv6 customer has at least a /64, so its addresses are counted together. */
const IPV6_PREFIX = 64;

/**
 * Returns the network by which clients are counted: the address of an IPv4 client, also if it is mapped to IPv6, or the
 * /64 of an IPv6 client.
 */
export function clientNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === "ipv4") return parsed.toString();
  return ipaddr.IPv6.networkAddressFromCIDR(
    `${parsed.toNormalizedString().split("%")[0]}/${IPV6_PREFIX}`,
  ).toString();
}

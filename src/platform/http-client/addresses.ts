/** Decides which addresses outgoing requests may reach: those of the public internet, and networks that the operator allows. */
import ipaddr from "ipaddr.js";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** An address and the length of its prefix. */
export type Network = readonly [Address, number];

/** Public IPv6 addresses. The library also calls addresses outside of it unicast, such as `::7f00:1`. */
const PUBLIC_IPV6: Network = [ipaddr.IPv6.parse("2000::"), 3];

/** @param text networks such as `10.0.0.0/8`, separated by commas. @throws Error if one of them is not a network */
export function parseNetworks(text: string): readonly Network[] {
  const networks = text.split(",").map((part) => part.trim());
  return networks.filter((part) => part !== "").map((part) => ipaddr.parseCIDR(part));
}

/** An IPv4 address in any notation, also mapped to IPv6, counts as that IPv4 address. */
export function isReachable(address: string, allowed: readonly Network[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (allowed.some((network) => isIn(parsed, network))) return true;
  if (parsed.range() !== "unicast") return false;
  return parsed.kind() === "ipv4" || isIn(parsed, PUBLIC_IPV6);
}

function isIn(address: Address, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

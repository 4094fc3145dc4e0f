/** Decides which addresses outgoing requests may reach: those of the public internet, and networks that the operator allows. */
import ipaddr from "ipaddr.js";
import type { Network } from "../../config/networks.ts";

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Public IPv6 addresses. The library also calls addresses outside of it unicast, such as `::7f00:1`. */
const PUBLIC_IPV6: Network = [ipaddr.IPv6.parse("2000::"), 3];

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

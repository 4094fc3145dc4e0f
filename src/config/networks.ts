import ipaddr from "ipaddr.js";

/** An address and the length of its prefix. */
export type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** @param text networks such as `10.0.0.0/8`, separated by commas. @throws Error if one of them is not a network */
export function parseNetworks(text: string): readonly Network[] {
  const networks = text.split(",").map((part) => part.trim());
  return networks.filter((part) => part !== "").map((part) => ipaddr.parseCIDR(part));
}

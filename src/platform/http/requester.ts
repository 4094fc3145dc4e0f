/** Names who sends a request, for limits that apply per user or, before a login, per address. */
import { BlockList, isIPv6 } from "node:net";
import type { FastifyRequest } from "fastify";

/** Returns the account, or the address of a client without a login. */
export function requesterOf({ user, ip }: FastifyRequest): string {
  return user ? `user ${user.id}` : `address ${addressGroup(ip)}`;
}

const mapped = new BlockList();
mapped.addSubnet("::ffff:0:0", 96, "ipv6");

/** One customer has a whole /64 of IPv6, so its addresses count as one. */
export function addressGroup(address: string): string {
  if (!isIPv6(address)) return address;
  if (mapped.check(address, "ipv6")) return address.slice(address.lastIndexOf(":") + 1);
  const [head = "", tail] = address.split("%")[0]?.split("::") ?? [];
  const first = head === "" ? [] : head.split(":");
  const last = tail ? tail.split(":") : [];
  const zeros = tail === undefined ? 0 : 8 - first.length - last.length;
  const groups = [...first, ...Array<string>(Math.max(0, zeros)).fill("0"), ...last];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

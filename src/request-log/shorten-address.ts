import ipaddr from "ipaddr.js";
import type { Config } from "../config/config.ts";

const IPV4_PREFIX = 24;
const IPV6_PREFIX = 48;

/** Returns the address as REQUEST_LOG_ADDRESS allows: in full, its network such as `203.0.113.0/24`, or null. */
export function shortenAddress(address: string, detail: Config["requestLogAddress"]): string | null {
  if (detail === "none" || !ipaddr.isValid(address)) return null;
  const parsed = ipaddr.process(address);
  if (detail === "full") return parsed.toString();
  if (parsed.kind() === "ipv4")
    return `${ipaddr.IPv4.networkAddressFromCIDR(`${parsed}/${IPV4_PREFIX}`)}/${IPV4_PREFIX}`;
  const [plain] = parsed.toNormalizedString().split("%");
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${plain}/${IPV6_PREFIX}`)}/${IPV6_PREFIX}`;
}

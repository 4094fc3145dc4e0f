import { describe, expect, test } from "vitest";
import { parseNetworks } from "../../../src/config/networks.ts";
import { isReachable } from "../../../src/platform/http-client/addresses.ts";

const PUBLIC = ["1.1.1.1", "93.184.216.34", "172.32.0.1", "2606:4700::1111", "2a00:1450:4001:81b::200e"];

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.1", "127.1", "127.255.255.254", "2130706433", "0x7f.1", "017700000001", "::1"],
  unspecified: ["0.0.0.0", "0.1.2.3", "::"],
  private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"],
  "carrier-grade NAT": ["100.64.0.1", "100.127.255.255"],
  "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0", "fec0::1"],
  "multicast and reserved": ["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1"],
  "tests and documentation": [
    "198.18.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "2001:db8::1",
    "3fff::1",
  ],
  "protocol assignments": ["192.0.0.8", "192.88.99.1", "100::1", "100:0:0:1::1", "5f00::1", "4000::1"],
  "IPv4 inside of IPv6": [
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "::7f00:1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::1.1.1.1",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2001::1",
  ],
  "no addresses": ["", "localhost", "1.2.3.4.5", "256.1.1.1", "1.1.1.1 ", "[::1]", "example.com"],
};

test.each(PUBLIC)("%s is reachable", (address) => {
  expect(isReachable(address, [])).toBe(true);
});

describe.each(Object.entries(REFUSED))("%s", (_, addresses) => {
  test.each(addresses)("%s is not reachable", (address) => {
    expect(isReachable(address, [])).toBe(false);
  });
});

test("an allowed network is reachable, also in its forms inside of IPv6 that mean the same address", () => {
  const allowed = parseNetworks("127.0.0.0/8, fd00::/8");
  const reachable = ["127.0.0.1", "2130706433", "::ffff:127.0.0.1", "fd12::1", "1.1.1.1"];
  expect(reachable.filter((address) => !isReachable(address, allowed))).toEqual([]);
  const refused = ["10.0.0.1", "::1", "0.0.0.0", "64:ff9b::7f00:1", "2002:7f00:1::", "fe80::1"];
  expect(refused.filter((address) => isReachable(address, allowed))).toEqual([]);
});

test("a list with something else than networks is refused", () => {
  expect(parseNetworks("")).toEqual([]);
  expect(() => parseNetworks("10.0.0.0/8,localhost")).toThrow();
  expect(() => parseNetworks("10.0.0.0/64")).toThrow();
});

import { expect, test } from "vitest";
import { shortenAddress } from "../../src/request-log/shorten-address.ts";

test.each([
  ["203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
  ["::ffff:203.0.113.77", "203.0.113.77", "203.0.113.0/24"],
  ["2001:db8:1234:5678::9", "2001:db8:1234:5678::9", "2001:db8:1234::/48"],
  ["fe80::1%eth0", "fe80::1%eth0", "fe80::/48"],
])("%s is logged as %s in full, and as %s when shortened", (address, full, network) => {
  expect(shortenAddress(address, "full")).toBe(full);
  expect(shortenAddress(address, "network")).toBe(network);
  expect(shortenAddress(address, "none")).toBeNull();
});

test("text that is not an address is not logged", () => {
  expect(shortenAddress("unix:/tmp/socket", "full")).toBeNull();
  expect(shortenAddress("", "network")).toBeNull();
});

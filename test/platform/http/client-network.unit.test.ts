import { expect, test } from "vitest";
import { clientNetwork } from "../../../src/platform/http/client-network.ts";

test.each([
  ["192.0.2.7", "192.0.2.7"],
  ["::ffff:192.0.2.7", "192.0.2.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"],
  ["2001:DB8:1:2::1", "2001:db8:1:2::"],
  ["fe80::1%eth0", "fe80::"],
  ["::1", "::"],
  ["not an address", "not an address"],
])("the client %s is counted as %s", (address, network) => {
  expect(clientNetwork(address)).toBe(network);
});

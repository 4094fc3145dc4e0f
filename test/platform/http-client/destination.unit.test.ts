import { expect, test } from "vitest";
import { parseNetworks } from "../../../src/config/networks.ts";
import { type EgressRules, parseDestination } from "../../../src/platform/http-client/destination.ts";

const RULES: EgressRules = { allowHttp: false, allowedNetworks: [], ownPorts: [8000, 5432], proxyUrl: "" };

test.each([
  "https://example.com",
  "https://example.com/hooks?tenant=7",
  "https://example.com:443/",
  "https://example.com:80/",
  "https://example.com:1024/",
  "https://example.com:65535/",
  "https://1.1.1.1/",
  "https://[2606:4700::1111]/",
])("%s is accepted", (url) => {
  expect(parseDestination(url, RULES).protocol).toBe("https:");
});

test.each([
  ["example.com", "is not a URL"],
  ["", "is not a URL"],
  ["http://example.com/", "WEBHOOK_ALLOW_HTTP"],
  ["ftp://example.com/", "https://"],
  ["file:///etc/passwd", "https://"],
  ["javascript:alert(1)", "https://"],
  ["https://user:secret@example.com/", "username"],
  ["https://user@example.com/", "username"],
  ["https://example.com:22/", "port 22"],
  ["https://example.com:25/", "port 25"],
  ["https://example.com:1023/", "port 1023"],
  ["https://example.com:8000/", "belongs to this installation"],
  ["https://example.com:5432/", "belongs to this installation"],
  ["https://127.0.0.1/", "public internet"],
  ["https://127.1/", "public internet"],
  ["https://2130706433/", "public internet"],
  ["https://0x7f.1/", "public internet"],
  ["https://0.0.0.0/", "public internet"],
  ["https://[::1]/", "public internet"],
  ["https://[::ffff:7f00:1]/", "public internet"],
  ["https://169.254.169.254/latest/meta-data/", "public internet"],
])("%s is refused: %s", (url, reason) => {
  expect(() => parseDestination(url, RULES)).toThrow(reason);
});

test("settings allow HTTP and networks", () => {
  const rules = { ...RULES, allowHttp: true, allowedNetworks: parseNetworks("127.0.0.0/8") };
  expect(parseDestination("http://127.0.0.1:9000/", rules).port).toBe("9000");
  expect(() => parseDestination("http://10.0.0.1/", rules)).toThrow("public internet");
});

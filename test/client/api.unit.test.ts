import { expect, test } from "vitest";
import { describeClient, readTypes } from "../support/generated-client.ts";

test("src/client/api.ts belongs to the present OpenAPI document; if not, run `npm run client`", async () => {
  const { firstLine } = await describeClient();
  expect(readTypes().split("\n")[0]).toBe(firstLine);
});

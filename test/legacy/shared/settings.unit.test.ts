import { expect, test } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { legacyConfig } from "../../../src/legacy/shared/settings.ts";

const legacy = (env: NodeJS.ProcessEnv) => legacyConfig(loadConfig({ JWT_SECRET: "test".repeat(8), ...env }));

test("uploads need a login and any password is accepted by default", () => {
  expect(legacy({})).toEqual({ anonymousUploads: false, passwordMinLength: 1 });
  expect(legacy({ ANONYMOUS_UPLOADS: "true", PASSWORD_MIN_LENGTH: " 12 " })).toEqual({
    anonymousUploads: true,
    passwordMinLength: 12,
  });
});

test("a bad legacy setting is refused by name", () => {
  expect(() => legacy({ ANONYMOUS_UPLOADS: "yes" })).toThrow(/^ANONYMOUS_UPLOADS: "yes" .* Whether/);
});

import { expect, test } from "vitest";
import { loadConfig } from "../../../src/config/config.ts";
import { legacyConfig } from "../../../src/legacy/shared/settings.ts";

const legacy = (env: NodeJS.ProcessEnv) => legacyConfig(loadConfig({ JWT_SECRET: "test".repeat(8), ...env }));

test("uploads need a login, and any password will do, unless the settings say otherwise", () => {
  expect(legacy({})).toEqual({ anonymousUploads: false, passwordMinLength: 1 });
  expect(legacy({ ANONYMOUS_UPLOADS: "true", PASSWORD_MIN_LENGTH: " 12 " })).toEqual({
    anonymousUploads: true,
    passwordMinLength: 12,
  });
});

test("a bad value is refused by its variable's name", () => {
  expect(() => legacy({ ANONYMOUS_UPLOADS: "yes" })).toThrow(/^ANONYMOUS_UPLOADS: "yes" .* Whether/);
});

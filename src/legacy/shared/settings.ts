/** The settings of legacy endpoints. */
import Type from "typebox";
import type { Config } from "../../config/config.ts";
import { readSettings } from "../../config/read-settings.ts";

export const LegacySettings = Type.Object({
  ANONYMOUS_UPLOADS: Type.Enum(["true", "false"], {
    default: "false",
    description:
      "Whether the legacy endpoint `POST /upload` accepts files without a login; anyone can then read the results.",
  }),
});

/** @throws ConfigError that names the setting, its value and the rule */
export function legacyConfig({ env, passwordMinLength }: Config) {
  const { ANONYMOUS_UPLOADS } = readSettings(LegacySettings, env);
  return {
    anonymousUploads: ANONYMOUS_UPLOADS === "true",
    /** The service accepted every non-empty password. */
    passwordMinLength: env.PASSWORD_MIN_LENGTH?.trim() ? passwordMinLength : 1,
  };
}

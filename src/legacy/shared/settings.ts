/** The settings that only the replaced services' endpoints have. */
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

/** @throws ConfigError that names the variable */
export function legacyConfig({ env, passwordMinLength }: Config) {
  const { ANONYMOUS_UPLOADS } = readSettings(LegacySettings, env);
  return {
    anonymousUploads: ANONYMOUS_UPLOADS === "true",
    /** The service took any password that is not empty. */
    passwordMinLength: env.PASSWORD_MIN_LENGTH?.trim() ? passwordMinLength : 1,
  };
}

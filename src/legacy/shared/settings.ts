/** The settings that only the replaced services' endpoints have. */
import Type from "typebox";
import type { Config } from "../../config.ts";
import { readSettings } from "../../read-settings.ts";

export const LegacySettings = Type.Object({
  ANONYMOUS_UPLOADS: Type.Enum(["true", "false"], {
    default: "false",
    description: "Whether `POST /upload` takes a CSV without a login; anybody can then read what came of it.",
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

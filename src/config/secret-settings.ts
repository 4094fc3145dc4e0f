/** The keys that encrypt the secrets of outgoing requests. */
import { join } from "node:path";
import Type, { type Static, type TObject } from "typebox";
import { storedSecret } from "./stored-secret.ts";

const KEY = "^$|^[^]{32,1000}$";

export const secretSettings = {
  SECRETS_KEY: Type.String({
    default: "",
    pattern: KEY,
    description:
      "Encrypts secrets of outgoing requests; at least 32 characters. Without DATABASE_URL, generated in DATA_DIR.",
  }),
  SECRETS_KEY_PREVIOUS: Type.String({
    default: "",
    pattern: KEY,
    description: "The key before the current one. It also decrypts, until `secrets rotate` has run.",
  }),
};

type SecretSettings = Static<TObject<typeof secretSettings>>;

/** @returns keys as texts. An empty `current` means that no secret can be stored. */
export function secretKeys(settings: SecretSettings & { readonly DATABASE_URL: string }, dataDir: string) {
  const { SECRETS_KEY, SECRETS_KEY_PREVIOUS, DATABASE_URL } = settings;
  return {
    /** Generated when it is first needed: most programs that read the settings need no key. */
    get current() {
      return SECRETS_KEY || (DATABASE_URL ? "" : storedSecret(join(dataDir, "secrets-key")));
    },
    previous: SECRETS_KEY_PREVIOUS,
  };
}

/** The account of the demo. Its password is made once per DATA_DIR. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { storedSecret } from "../config/stored-secret.ts";

export const USERNAME = "demo";

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

export function readPassword({ dataDir }: Pick<Config, "dataDir">): string {
  return storedSecret(fileIn(dataDir));
}

/** Shows the password only if nobody else can reach the address. */
export function describeLogin(config: Pick<Config, "dataDir" | "host" | "publicUrl">): string {
  const names = [config.host, new URL(config.publicUrl).hostname];
  return names.every((name) => LOOPBACK.test(name))
    ? `Sign in as ${USERNAME} with the password ${readPassword(config)}`
    : `Sign in as ${USERNAME}. The password is in ${fileIn(config.dataDir)}`;
}

/** Returns the file with the password; null if no demo has run with this DATA_DIR. */
export function findPasswordFile({ dataDir }: Pick<Config, "dataDir">): string | null {
  return existsSync(fileIn(dataDir)) ? fileIn(dataDir) : null;
}

function fileIn(dataDir: string): string {
  return join(dataDir, "demo-password");
}

import packageJson from "../../package.json" with { type: "json" };
import type { Config } from "../config/config.ts";
import type { RunningPostgres } from "../platform/postgres/embedded/embedded-postgres.ts";
import { findPasswordFile, USERNAME } from "./demo-account.ts";

/** Prints the addresses of Rowmill and the first steps. */
export function printWelcome(
  config: Pick<Config, "publicUrl" | "databaseUrl" | "mail" | "dataDir">,
  { folder }: Pick<RunningPostgres, "folder">,
): void {
  const { publicUrl, databaseUrl, mail } = config;
  const passwordFile = findPasswordFile(config);
  console.log(`
Rowmill ${packageJson.version} is running. Open ${publicUrl}/ in a browser.
Create an account there${passwordFile ? `, or sign in as ${USERNAME}, whose password is in ${passwordFile}` : ""}.

  API    ${publicUrl}
  Docs   ${publicUrl}/docs
  Data   ${folder ? `${folder} (embedded PostgreSQL)` : withoutCredentials(databaseUrl)}
  Mail   ${mail.server ? `sent by ${mail.server.host}` : "kept in the outbox (npm run cli -- outbox list); set SMTP_URL to send it"}

Create an account on the command line:
  curl ${publicUrl}/api/v1/auth/signup -H 'Content-Type: application/json' \\
    -d '{"username": "ada", "password": "correct horse"}'
Or fill the database with sample data: npm run seed

Press Ctrl-C to stop.`);
}

function withoutCredentials(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl);
  return `PostgreSQL at ${host}${pathname}`;
}

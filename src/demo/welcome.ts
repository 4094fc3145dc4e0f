import packageJson from "../../package.json" with { type: "json" };
import type { Config } from "../config/config.ts";
import type { RunningPostgres } from "../platform/postgres/embedded-postgres.ts";

/** Prints the addresses of Rowmill and the first steps. */
export function printWelcome(
  { publicUrl, databaseUrl, mail }: Pick<Config, "publicUrl" | "databaseUrl" | "mail">,
  { folder }: Pick<RunningPostgres, "folder">,
): void {
  console.log(`
Rowmill ${packageJson.version} is running.

  API    ${publicUrl}
  Docs   ${publicUrl}/docs
  Data   ${folder ? `${folder} (embedded PostgreSQL)` : withoutCredentials(databaseUrl)}
  Mail   ${mail.server ? `sent by ${mail.server.host}` : "kept in the outbox (npm run cli -- outbox list); set SMTP_URL to send it"}

Create an account:
  curl ${publicUrl}/api/v1/auth/signup -H 'Content-Type: application/json' \\
    -d '{"username": "ada", "password": "correct horse"}'
Or fill the database with sample data: npm run seed

Press Ctrl-C to stop.`);
}

function withoutCredentials(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl);
  return `PostgreSQL at ${host}${pathname}`;
}

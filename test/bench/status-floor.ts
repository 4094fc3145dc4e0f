/**
 * The least that a status read can take: a program with node:http and node-postgres alone reads the batch and sums its chunks.
 * It knows no users, checks nothing, and sends the record unchanged.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import pg from "pg";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";

const STATEMENT = `SELECT to_json(batches) AS batch, (
    SELECT json_build_object('succeeded', sum(succeeded), 'failed', sum(failed)) FROM rowmill.chunks WHERE batch_id = $1
  ) AS sums FROM rowmill.batches WHERE id = $1`;

export interface StatusFloor extends AsyncDisposable {
  /** Followed by the id of a batch. */
  readonly url: string;
}

export async function startStatusFloor(databaseUrl: string): Promise<StatusFloor> {
  const port = String(await freePort());
  const program = spawn(process.execPath, [...process.execArgv, import.meta.filename], {
    env: { ...process.env, DATABASE_URL: databaseUrl, PORT: port },
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const [ready] = await Promise.race([once(program, "message"), once(program, "exit")]);
  if (ready !== "ready") throw new Error("The floor of status reads did not start");
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      program.kill("SIGTERM");
      await once(program, "exit");
    },
  };
}

function serve(): void {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL });
  const server = createServer(async ({ url = "" }, response) => {
    const { rows } = await pool.query({ name: "status", text: STATEMENT, values: [url.slice(1)] });
    response.setHeader("content-type", "application/json").end(JSON.stringify(rows[0]));
  });
  server.listen(Number(process.env.PORT), "127.0.0.1", () => process.send?.("ready"));
}

if (process.argv[1] === import.meta.filename) serve();

/** Finds out whether the database takes the cores of this machine. */
import { readFile } from "node:fs/promises";
import type pg from "pg";

/**
 * Whether the server of the pool runs on this machine. Addresses do not tell: a pooler, a tunnel or a proxy may run here while the server does
 * not. A server in a container of its own, a system other than Linux, and a `/proc` that hides the processes of others count as another machine.
 */
export async function sharesMachine(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return isServerProcess(rows[0]?.pid ?? 0);
}

/** Whether this process of this machine is one of PostgreSQL, which names its processes `postgres: ...`. */
export async function isServerProcess(pid: number): Promise<boolean> {
  const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return command.startsWith("postgres:");
}

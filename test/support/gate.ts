/** Books and tasks that the database refuses or holds, so that a test can look at work in the middle. */
import pg from "pg";
import type { OpenContext } from "../../src/open-context.ts";
import { countWaiting, IS_OURS } from "./count.ts";
import { nodesOf } from "./postgres.ts";
import { type Rowmill, startRowmill } from "./rowmill.ts";
import { addTrigger } from "./triggers.ts";
import { until } from "./until.ts";

/** The first key of the locks of gates. The second one is the gate: a closed gate holds no statement of another one. */
const LOCK = 4711;
const GATES = [
  "write",
  "settle",
  "start",
  "complete",
  "completeAny",
  "completeJobs",
  "tick",
  "attempt",
] as const;
type GateName = (typeof GATES)[number];

const keysOf = (at: GateName) => `${LOCK}, ${GATES.indexOf(at)}`;
/** In terms of pg_locks. */
const isGate = (at: GateName) =>
  `locktype = 'advisory' AND classid = ${LOCK} AND objid = ${GATES.indexOf(at)} AND objsubid = 2`;
const waitAt = (at: GateName) => `PERFORM pg_advisory_xact_lock_shared(${keysOf(at)});`;

/**
 * The statements that a closed gate holds: the write of a book titled `gate...`, the write of any row's result, the
 * start of tasks, the completion of a task titled `gate...` or of any task, the completion of the jobs of tasks, a tick of a schedule, or
 * the outcome of an attempt at a webhook. Those of tasks and their jobs wait without a lock timeout.
 */
const TRIGGERS: Readonly<Record<GateName, { readonly event: string; readonly body: string }>> = {
  write: {
    event: "BEFORE INSERT OR UPDATE ON rowmill.books FOR EACH ROW",
    body: `IF NEW.title LIKE 'gate%' THEN ${waitAt("write")} END IF;
      IF NEW.title = 'poison' THEN RAISE EXCEPTION 'the cellar refuses it' USING ERRCODE = '23514'; END IF;
      IF NEW.title = 'busy' THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF;`,
  },
  settle: { event: "BEFORE INSERT ON rowmill.row_results FOR EACH STATEMENT", body: waitAt("settle") },
  start: change("start", "rowmill.tasks", "NEW.status = 'processing'"),
  complete: completion("complete", "AND NEW.title LIKE 'gate%'"),
  completeAny: completion("completeAny", ""),
  completeJobs: change(
    "completeJobs",
    "rowmill_queue.job",
    "NEW.name LIKE 'task.%' AND NEW.state = 'completed'",
  ),
  tick: { event: "BEFORE INSERT ON rowmill.schedule_ticks FOR EACH ROW", body: waitAt("tick") },
  attempt: {
    event: "BEFORE UPDATE ON rowmill.webhook_attempts FOR EACH ROW WHEN (NEW.status IS NOT NULL)",
    body: waitAt("attempt"),
  },
};

function completion(at: GateName, condition: string) {
  return change(at, "rowmill.tasks", `NEW.status = 'completed' ${condition}`);
}

function change(at: GateName, table: string, condition: string) {
  return {
    event: `BEFORE UPDATE ON ${table} FOR EACH ROW WHEN (${condition})`,
    body: `PERFORM set_config('lock_timeout', '0', true); ${waitAt(at)}`,
  };
}

function add(pool: pg.Pool, at: GateName): Promise<void> {
  const { event, body } = TRIGGERS[at];
  return addTrigger(pool, `gate_${at.toLowerCase()}`, event, `${body} RETURN NEW;`);
}

/** From now on the book `poison` fails permanently and `busy` fails for now. */
export async function addGate({ pool }: Pick<OpenContext, "pool">): Promise<void> {
  await add(pool, "write");
}

export async function startWithGate(settings: NodeJS.ProcessEnv = {}): Promise<Rowmill> {
  const rowmill = await startRowmill(settings);
  await addGate(rowmill.ctx);
  return rowmill;
}

export interface Gate extends AsyncDisposable {
  /** Resolves when this many statements wait at the gate. */
  reached(statements?: number): Promise<void>;
  /** The number of statements that wait now. */
  waiting(): Promise<number>;
  open(): Promise<void>;
  /** Ends the sessions that wait. PostgreSQL executes the statement of a killed program that waits for a lock. */
  endWaiting(): Promise<void>;
}

/** Holds statements until the gate is opened or the test ends. Nodes of Citus have locks of their own. */
export async function closeGate(
  { pool, config }: Pick<OpenContext, "pool" | "config">,
  at: GateName = "write",
): Promise<Gate> {
  await add(pool, at);
  const servers = await Promise.all([config.databaseUrl, ...nodesOf(config.databaseUrl)].map(connect));
  for (const server of servers) await server.query(`SELECT pg_advisory_lock(${keysOf(at)})`);
  const waiting = async () => {
    let sum = 0;
    for (const server of servers) sum += await countWaiting(server, isGate(at));
    return sum;
  };
  const open = async () => {
    for (const server of servers) await server.query(`SELECT pg_advisory_unlock_all()`);
  };
  return {
    waiting,
    open,
    async endWaiting() {
      for (const server of servers)
        await server.query(
          `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND ${IS_OURS} AND ${isGate(at)}`,
        );
    },
    reached: async (statements = 1) => {
      await until(`${statements} statements wait at the gate`, async () => (await waiting()) >= statements);
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server.end();
    },
  };
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => {}); // The end of the test ends its database.
  await client.connect();
  return client;
}

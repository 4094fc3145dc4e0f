/** Books and tasks that the database refuses or holds, so that a test can look at work in the middle. */
import pg from "pg";
import type { OpenContext } from "../../src/open-context.ts";
import { countWaiting, IS_OURS } from "./count.ts";
import { nodesOf } from "./postgres.ts";
import { type Rowmill, startRowmill } from "./rowmill.ts";
import { addTrigger } from "./triggers.ts";
import { until } from "./until.ts";

const LOCK = 4711;
/** In terms of pg_locks. */
const IS_GATE = `locktype = 'advisory' AND objid = ${LOCK}`;

const WAIT = `PERFORM pg_advisory_xact_lock_shared(${LOCK});`;

/**
 * The statements that a closed gate holds: the write of a book titled `gate...`, the write of any row's result, the
 * start of tasks, the completion of a task titled `gate...` or of any task, the completion of the jobs of tasks, a tick of a schedule, or
 * the outcome of an attempt at a webhook. Those of tasks and their jobs wait without a lock timeout.
 */
const TRIGGERS = {
  write: {
    event: "BEFORE INSERT OR UPDATE ON rowmill.books FOR EACH ROW",
    body: `IF NEW.title LIKE 'gate%' THEN ${WAIT} END IF;
      IF NEW.title = 'poison' THEN RAISE EXCEPTION 'the cellar refuses it' USING ERRCODE = '23514'; END IF;
      IF NEW.title = 'busy' THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF;`,
  },
  settle: { event: "BEFORE INSERT ON rowmill.row_results FOR EACH STATEMENT", body: WAIT },
  start: change("rowmill.tasks", "NEW.status = 'processing'"),
  complete: completion("AND NEW.title LIKE 'gate%'"),
  completeAny: completion(""),
  completeJobs: change("rowmill_queue.job", "NEW.name LIKE 'task.%' AND NEW.state = 'completed'"),
  tick: { event: "BEFORE INSERT ON rowmill.schedule_ticks FOR EACH ROW", body: WAIT },
  attempt: {
    event: "BEFORE UPDATE ON rowmill.webhook_attempts FOR EACH ROW WHEN (NEW.status IS NOT NULL)",
    body: WAIT,
  },
};

function completion(condition: string) {
  return change("rowmill.tasks", `NEW.status = 'completed' ${condition}`);
}

function change(table: string, condition: string) {
  return {
    event: `BEFORE UPDATE ON ${table} FOR EACH ROW WHEN (${condition})`,
    body: `PERFORM set_config('lock_timeout', '0', true); ${WAIT}`,
  };
}

function add(pool: pg.Pool, at: keyof typeof TRIGGERS): Promise<void> {
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
  at: keyof typeof TRIGGERS = "write",
): Promise<Gate> {
  await add(pool, at);
  const servers = await Promise.all([config.databaseUrl, ...nodesOf(config.databaseUrl)].map(connect));
  for (const server of servers) await server.query(`SELECT pg_advisory_lock(${LOCK})`);
  const waiting = async () => {
    let sum = 0;
    for (const server of servers) sum += await countWaiting(server, IS_GATE);
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
          `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND ${IS_OURS} AND ${IS_GATE}`,
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

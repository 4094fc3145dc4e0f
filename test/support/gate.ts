/** Books and tasks that the database refuses or holds, so that a test can look at work in the middle. */
import type { OpenContext } from "../../src/context.ts";
import { countWaiting, IS_OURS } from "./count.ts";
import { type Rowmill, startRowmill } from "./rowmill.ts";
import { until } from "./until.ts";

const LOCK = 4711;
/** In terms of pg_locks. */
const IS_GATE = `locktype = 'advisory' AND objid = ${LOCK}`;

const WAIT = `PERFORM pg_advisory_xact_lock_shared(${LOCK});`;

/**
 * The statements that a closed gate holds: the write of a book titled `gate...`, the write of any row's result, the
 * completion of a task titled `gate...` or of any task, which has no lock timeout, a tick of a schedule, or the outcome of
 * an attempt at a webhook.
 */
const TRIGGERS = {
  write: `CREATE OR REPLACE FUNCTION rowmill.gate_books() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.title LIKE 'gate%' THEN ${WAIT} END IF;
      IF NEW.title = 'poison' THEN RAISE EXCEPTION 'the cellar refuses it' USING ERRCODE = '23514'; END IF;
      IF NEW.title = 'busy' THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF;
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER gate BEFORE INSERT OR UPDATE ON rowmill.books FOR EACH ROW EXECUTE FUNCTION rowmill.gate_books()`,
  settle: `CREATE OR REPLACE FUNCTION rowmill.gate_results() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      ${WAIT}
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER gate BEFORE INSERT ON rowmill.row_results FOR EACH STATEMENT EXECUTE FUNCTION rowmill.gate_results()`,
  complete: holdCompletion("AND NEW.title LIKE 'gate%'"),
  completeAny: holdCompletion(""),
  tick: `CREATE OR REPLACE FUNCTION rowmill.gate_ticks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      ${WAIT}
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER gate BEFORE INSERT ON rowmill.schedule_ticks FOR EACH ROW EXECUTE FUNCTION rowmill.gate_ticks()`,
  attempt: `CREATE OR REPLACE FUNCTION rowmill.gate_attempts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      ${WAIT}
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER gate BEFORE UPDATE ON rowmill.webhook_attempts FOR EACH ROW
      WHEN (NEW.status IS NOT NULL) EXECUTE FUNCTION rowmill.gate_attempts()`,
};

function holdCompletion(condition: string): string {
  return `CREATE OR REPLACE FUNCTION rowmill.gate_tasks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM set_config('lock_timeout', '0', true);
      ${WAIT}
      RETURN NEW;
    END $$;
    CREATE OR REPLACE TRIGGER gate BEFORE UPDATE ON rowmill.tasks FOR EACH ROW
      WHEN (NEW.status = 'completed' ${condition}) EXECUTE FUNCTION rowmill.gate_tasks()`;
}

/** From now on the book `poison` fails permanently and `busy` fails for now. */
export async function addGate({ pool }: Pick<OpenContext, "pool">): Promise<void> {
  await pool.query(TRIGGERS.write);
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

/** Holds statements until the gate is opened or the test ends. */
export async function closeGate(
  { pool }: Pick<OpenContext, "pool">,
  at: keyof typeof TRIGGERS = "write",
): Promise<Gate> {
  await pool.query(TRIGGERS[at]);
  const holder = await pool.connect();
  await holder.query(`SELECT pg_advisory_lock(${LOCK})`);
  let isOpen = false;
  const waiting = () => countWaiting(pool, IS_GATE);
  const open = async () => {
    if (isOpen) return;
    isOpen = true;
    await holder.query(`SELECT pg_advisory_unlock(${LOCK})`);
    holder.release();
  };
  return {
    waiting,
    open,
    async endWaiting() {
      await pool.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND ${IS_OURS} AND ${IS_GATE}`,
      );
    },
    reached: async (statements = 1) => {
      await until(`${statements} statements wait at the gate`, async () => (await waiting()) >= statements);
    },
    [Symbol.asyncDispose]: open,
  };
}

/** Books that the database refuses or keeps waiting: what a test needs to look at a batch in the middle. */
import { type Rowmill, startRowmill } from "./rowmill.ts";

const GATE = 7;

/**
 * A Rowmill whose database refuses the book `poison` for good and `busy` for now, and lets `gate` wait while the gate
 * is closed.
 */
export async function startWithGate(settings: NodeJS.ProcessEnv = {}): Promise<Rowmill> {
  const rowmill = await startRowmill(settings);
  await addGate(rowmill.ctx.pool);
  return rowmill;
}

export function addGate(pool: Rowmill["ctx"]["pool"]): Promise<unknown> {
  return pool.query(
    `CREATE FUNCTION rowmill.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF NEW.title LIKE 'gate%' THEN PERFORM pg_advisory_xact_lock_shared(${GATE}); END IF;
      IF NEW.title = 'poison' THEN RAISE EXCEPTION 'the cellar refuses it' USING ERRCODE = '23514'; END IF;
      IF NEW.title = 'busy' THEN RAISE EXCEPTION 'try again' USING ERRCODE = '40001'; END IF;
      RETURN NEW;
    END $$;
    CREATE TRIGGER gate BEFORE INSERT OR UPDATE ON rowmill.books FOR EACH ROW EXECUTE FUNCTION rowmill.gate()`,
  );
}

export interface Gate extends AsyncDisposable {
  open(): Promise<void>;
}

/** Closed until it is opened, or the test ends. */
export async function closeGate({ ctx }: Pick<Rowmill, "ctx">): Promise<Gate> {
  const client = await ctx.pool.connect();
  await client.query(`SELECT pg_advisory_lock(${GATE})`);
  let isOpen = false;
  const open = async () => {
    if (isOpen) return;
    isOpen = true;
    await client.query(`SELECT pg_advisory_unlock(${GATE})`);
    client.release();
  };
  return { open, [Symbol.asyncDispose]: open };
}

/** A file of books, those of some rows with a title of their own. */
export function titled(rows: number, titles: Record<number, string> = {}): string {
  const lines = Array.from({ length: rows }, (_, index) => {
    const row = index + 2;
    return `${titles[row] ?? `Title ${row}`},Author ${row}`;
  });
  return `title,author\n${lines.join("\n")}\n`;
}

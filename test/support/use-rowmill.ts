/** Resources of a suite, which are there from its `beforeAll` to its `afterAll`. Call these in a file or a `describe`. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import { newAdmin } from "./admin.ts";
import type { Client } from "./client.ts";
import { addGate } from "./gate.ts";
import { type Rowmill, startRowmill } from "./rowmill.ts";

export interface RowmillOptions {
  readonly settings?: NodeJS.ProcessEnv;
  /** Also takes jobs, in this process. */
  readonly worker?: boolean;
  /** The books `gate`, `poison` and `busy` wait or fail: see gate.ts. */
  readonly gate?: boolean;
}

/** A Rowmill with a database of its own for all tests of the suite. */
export function useRowmill({ settings, worker = false, gate = false }: RowmillOptions = {}): Rowmill {
  const [rowmill, set] = later<Rowmill>("useRowmill()");
  beforeAll(async () => {
    const started = await startRowmill(settings);
    set(started);
    if (gate) await addGate(started.ctx);
    if (worker) await started.startWorker();
  });
  afterAll(() => rowmill[Symbol.asyncDispose]());
  return rowmill;
}

/** One new user for all tests of the suite. */
export function useUser(rowmill: Rowmill, username?: string): Client {
  const [user, set] = later<Client>("useUser()");
  beforeAll(async () => set(await (username ? rowmill.client.signUp(username) : rowmill.newUser())));
  return user;
}

/** A new user for each test of the suite. */
export function useUserPerTest(rowmill: Rowmill): Client {
  const [user, set] = later<Client>("useUserPerTest()");
  beforeEach(async () => set(await rowmill.newUser()));
  return user;
}

/** An administrator, or an operator, for all tests of the suite. */
export function useAdmin(rowmill: Rowmill, ...account: NewAdminRest): Client {
  const [admin, set] = later<Client>("useAdmin()");
  beforeAll(async () => set(await newAdmin(rowmill, ...account)));
  return admin;
}

type NewAdminRest = Parameters<typeof newAdmin> extends [unknown, ...infer Rest] ? Rest : never;

/** An object that stands for another one, which is set later. */
function later<T extends object>(name: string): [value: T, set: (value: T) => void] {
  let current: T | undefined;
  const stand = new Proxy({} as T, {
    get(_, key) {
      if (!current) throw new Error(`${name} has no value before the hooks of its suite have run.`);
      const value: unknown = Reflect.get(current, key);
      return typeof value === "function" ? value.bind(current) : value;
    },
  });
  const set = (value: T) => {
    current = value;
  };
  return [stand, set];
}

/** A request that creates thousands of tasks stores them in parts of 2,000: all of them, or none. */
import { expect, test } from "vitest";
import { inTransaction } from "../../../src/context.ts";
import type { NewTask } from "../../../src/tasks/create/insert-tasks.ts";
import { storeTasks } from "../../../src/tasks/create/store-tasks.ts";
import { taskJobId } from "../../../src/tasks/task-jobs.ts";
import type { Problem } from "../../support/client.ts";
import { atEnd, startRowmill } from "../../support/rowmill.ts";
import { type Bulk, rowsOf } from "../../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUserPerTest(rowmill);

const PATH = "/api/v1/tasks/bulk";
/** In the second of three parts. */
const FAILING = 3000;
const many = (count: number, from = 0) =>
  Array.from({ length: count }, (_, index) => ({
    type: "generic",
    params: { seconds: 0 },
    title: `${from + index}`,
  }));
const failing = [...many(FAILING), { ...many(1)[0], title: "fails" }, ...many(4500 - FAILING)];

/** PostgreSQL runs `statement` when it stores the task with the title "fails". */
async function failWith(statement: string): Promise<void> {
  await rowmill.ctx.pool.query(`
    CREATE FUNCTION rowmill.fail_task() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement}; RETURN NEW; END $$;
    CREATE TRIGGER fails BEFORE INSERT ON rowmill.tasks FOR EACH ROW WHEN (NEW.title = 'fails') EXECUTE FUNCTION rowmill.fail_task()`);
  atEnd(stopFailing);
}

const stopFailing = () => rowmill.ctx.pool.query("DROP FUNCTION IF EXISTS rowmill.fail_task() CASCADE");

// Vitest also fails a run that leaves a rejection unhandled.
test.for([
  ["the disk is full", "RAISE EXCEPTION 'full' USING ERRCODE = 'disk_full'", 503, "unavailable"],
  ["the connection ends", "PERFORM pg_terminate_backend(pg_backend_pid())", 503, "unavailable"],
  ["a statement is wrong", "RAISE EXCEPTION 'wrong'", 500, "internal"],
] as const)("no task and no job is left if %s in the second part", async ([, statement, status, code]) => {
  await failWith(statement);
  for (const order of ["parallel", "sequential"]) {
    const answer = await user.post<Problem>(PATH, { tasks: failing, order });
    expect([order, answer.status, answer.body.code]).toEqual([order, status, code]);
    expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 0, jobs: 0 });
  }
  // The same API continues, and creates all of them once the reason is gone.
  await stopFailing();
  expect((await user.post(PATH, { tasks: failing })).status).toBe(201);
  expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 4501, jobs: 4501 });
});

test("no task and no job is left if the next part cannot be prepared while one is stored", async () => {
  const { ctx } = rowmill;
  function* drafts(): Generator<NewTask> {
    for (let index = 0; index < FAILING; index++) {
      const id = crypto.randomUUID().replace(/^(.{14})./, "$17");
      yield {
        ...{ id, jobId: taskJobId(id, 1), userId: user.userId, dueAt: null },
        ...{ type: "generic", queue: "default", title: "", description: "", priority: 5, maxRetries: 0 },
        ...{ params: {}, metadata: {}, tags: [], groupId: null, workflowId: null, workflowStep: null },
        ...{ afterId: null, hasNext: false },
      };
    }
    throw new Error("no more tasks");
  }
  const storing = inTransaction(ctx, (tx) => storeTasks(tx, [user.userId], drafts()));
  await expect(storing).rejects.toThrow("no more tasks");
  // Each connection runs its statements in order, so a late one has been stored after these.
  await Promise.all(Array.from({ length: 16 }, () => ctx.pool.query("SELECT pg_sleep(0.2)")));
  expect(await rowsOf(ctx, user)).toEqual({ tasks: 0, jobs: 0 });
});

test("two requests at the same time create the tasks of both, each in its order", async () => {
  const answers = await Promise.all(
    [0, 10_000].map((from) => user.post<Bulk>(PATH, { tasks: many(4500, from), order: "sequential" })),
  );
  expect(answers.map(({ status }) => status)).toEqual([201, 201]);
  expect(await rowsOf(rowmill.ctx, user)).toEqual({ tasks: 9000, jobs: 2 });
  for (const [index, { body }] of answers.entries()) {
    const { rows } = await rowmill.ctx.pool.query<{ id: string; title: string; after_id: string | null }>(
      "SELECT id, title, after_id FROM rowmill.tasks WHERE group_id = $1 ORDER BY number",
      [body.group_id],
    );
    const ids = body.tasks.map(({ id }) => id);
    expect(rows).toEqual(
      ids.map((id, place) => ({ id, title: `${index * 10_000 + place}`, after_id: ids[place - 1] ?? null })),
    );
  }
});

test("two requests at the same time cannot exceed the quota together", async () => {
  await using limited = await startRowmill({ MAX_TASKS_PER_USER: "5000" });
  const owner = await limited.newUser();
  const answers = await Promise.all([many(4500), many(4500)].map((tasks) => owner.post(PATH, { tasks })));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([201, 413]);
  expect(await rowsOf(limited.ctx, owner)).toEqual({ tasks: 4500, jobs: 4500 });
});

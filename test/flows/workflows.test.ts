/** Random workflows with random outcomes, while their programs and their database are killed. */
import { expect, test } from "vitest";
import { createWorkflow } from "../../src/workflows/create/create-workflow.ts";
import { readWorkflow } from "../../src/workflows/create/read-workflow.ts";
import { missHeartbeats } from "../support/jobs.ts";
import { ownServer } from "../support/own-server.ts";
import { startPrograms } from "../support/processes.ts";
import { type Random, randomOf } from "../support/random.ts";
import { until } from "../support/until.ts";
import { failing, failTasks, quick } from "../support/workflows.ts";

const SEED = Number(process.env.SEED ?? 20_261_126);
const WORKFLOWS = 15;

function randomWorkflow(random: Random): object {
  const steps = Array.from({ length: 1 + random.below(12) }, (_, index) => {
    const more = {
      name: `s${index}`,
      on_failure: random.pick(["fail", "fail", "continue", "ignore"]),
      when: random.pick(["success", "success", "success", "always", "failure"]),
      depends_on: [...Array(index).keys()]
        .filter(() => random.below(3) === 0)
        .map((position) => `s${position}`),
    };
    if (random.below(4) === 0) return failing(more);
    return quick({ ...more, params: { seconds: random.pick([0, 0, 0.3]) } });
  });
  return { steps };
}

test(`every workflow ends, and each step runs at most once, whatever is killed (SEED=${SEED})`, async () => {
  const random = randomOf(SEED);
  await using database = await ownServer();
  await using rowmill = await startPrograms({}, database.url);
  const { pool } = rowmill.ctx;
  const [api, worker] = await Promise.all([rowmill.startApi(), rowmill.startWorker()]);
  const user = await api.client.signUp("reader");
  await failTasks(rowmill.ctx);
  for (let index = 0; index < WORKFLOWS; index++)
    await createWorkflow(rowmill.ctx, user.userId, readWorkflow(randomWorkflow(random)));
  const ended = async () => {
    const { rows } = await pool.query<{ ended: number }>(
      "SELECT count(*)::int AS ended FROM rowmill.workflows WHERE state <> 'running'",
    );
    return rows[0]?.ended ?? 0;
  };

  await until("some have ended", async () => (await ended()) > 2);
  await Promise.all([worker.kill(), api.program.kill()]);
  await missHeartbeats(rowmill.ctx);
  await rowmill.startWorker();
  await until("more have ended", async () => (await ended()) > 6);
  await database.stop("SIGQUIT");
  await database.start();
  await until("all have ended", async () => (await ended().catch(() => 0)) === WORKFLOWS);

  const steps = await pool.query("SELECT state, count(*)::int FROM rowmill.workflow_steps GROUP BY state");
  const states = steps.rows.map(({ state }) => state);
  expect(states.toSorted()).toEqual(["completed", "failed", "skipped"]);
  const wrong = await pool.query(`
    SELECT step.workflow_id, step.name, step.state, count(tasks.id)::int AS tasks
    FROM rowmill.workflow_steps AS step
    LEFT JOIN rowmill.tasks ON tasks.workflow_id = step.workflow_id AND tasks.workflow_step = step.position
    GROUP BY 1, 2, 3, step.attempt
    HAVING count(tasks.id) <> CASE WHEN step.state = 'skipped' THEN 0 ELSE 1 END OR count(tasks.id) <> step.attempt`);
  expect(wrong.rows).toEqual([]);
  const early = await pool.query(`
    SELECT FROM rowmill.workflow_edges AS edge
    JOIN rowmill.workflow_steps AS step ON step.workflow_id = edge.workflow_id AND step.position = edge.step
    JOIN rowmill.workflow_steps AS dependency
      ON dependency.workflow_id = edge.workflow_id AND dependency.position = edge.dependency
    JOIN rowmill.tasks AS before ON before.id = dependency.task_id
    JOIN rowmill.tasks ON tasks.id = step.task_id
    WHERE tasks.started_at < before.completed_at`);
  expect(early.rows).toEqual([]);
});

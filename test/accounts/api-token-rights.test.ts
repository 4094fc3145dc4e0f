/** API tokens never change passwords, roles, sessions or other tokens, by any road. */
import { beforeAll, describe, expect, test } from "vitest";
import type { TaskView } from "../../src/tasks/views.ts";
import { AUTH } from "../support/auth.ts";
import { deliverChunk } from "../support/batches.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { receive } from "../support/imports.ts";
import { endedTask } from "../support/tasks.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const victim = useUser(rowmill, "victim");
const PASSWORD = "a much better horse";
const ROWS = `username,password,role\nvictim,${PASSWORD},admin\n,,\n`;

/** The administrator, with an API token. */
let robot: Client;
beforeAll(async () => {
  const { body } = await admin.post<{ token: string }>(`${AUTH}/tokens`, { name: "robot" });
  robot = admin.as({ access: body.token, refresh: "", user: { id: admin.userId } });
});

async function expectForbidden(answer: Promise<Answer<Problem>>): Promise<void> {
  const { status, body } = await answer;
  expect(body).toMatchObject({ code: "forbidden", detail: expect.stringContaining("API token") });
  expect(status).toBe(403);
}

async function expectUnchanged(): Promise<void> {
  const { rows } = await rowmill.ctx.pool.query("SELECT role FROM rowmill.users WHERE username = 'victim'");
  expect(rows).toEqual([{ role: "user" }]);
  const login = { username: "victim", password: PASSWORD };
  expect((await rowmill.client.post(`${AUTH}/login`, login)).status).toBe(401);
}

describe("an API token of an administrator", () => {
  test("cannot upload accounts, by the query or by form fields", async () => {
    for (const more of ["", "&dry_run=true"])
      await expectForbidden(robot.upload<Problem>(ROWS, `/api/v1/batches?target=users&mode=upsert${more}`));
    const form = { target: "users", mode: "upsert", file: Buffer.from(ROWS) };
    await expectForbidden(robot.form<Problem>("POST", "/api/v1/batches", form, "users.csv"));
    await expectUnchanged();
  });

  test("an API token of an administrator can upload books", async () => {
    expect((await robot.upload("title,author\nEmma,Jane Austen\n")).status).toBe(202);
  });

  test("cannot commit a dry run of accounts", async () => {
    const { body } = await admin.upload(ROWS, "/api/v1/batches?target=users&mode=upsert&dry_run=true");
    const worker = await rowmill.startWorker();
    await admin.finished(body.id);
    await worker.queue.stop(1000);
    await expectForbidden(robot.post<Problem>(`/api/v1/batches/${body.id}/commit`));
    await expectUnchanged();
  });

  test("cannot change a batch of accounts", async () => {
    const id = await receive(admin, "username,password,role\n,,user\n", "upsert", "users");
    await deliverChunk(rowmill.ctx, id, 2);
    await admin.finished(id);
    const path = `/api/v1/batches/${id}`;
    await expectForbidden(robot.patch<Problem>(`${path}/rows/2`, { fields: { username: "victim" } }));
    for (const verb of ["retry", "rows/2/retry", "undo", "pause", "resume", "cancel"])
      await expectForbidden(robot.post<Problem>(`${path}/${verb}`, verb === "retry" ? {} : undefined));
    const correction = `_row,username,password,role\n2,victim,${PASSWORD},admin\n`;
    await expectForbidden(robot.upload<Problem>(correction, `${path}/corrections`));
    await expectForbidden(robot.delete<Problem>(path));
    expect((await robot.batch(id)).status).toBe(200);
    await expectUnchanged();
  });

  test("cannot import accounts by a task; neither can a login, because a token could retry the task", async () => {
    const worker = await rowmill.startWorker();
    for (const client of [robot, admin]) {
      const { body: file } = await client.upload<{ id: string }>(ROWS, "/api/v1/files", "users.csv");
      const params = { target: "users", mode: "upsert" };
      const request = { type: "batch_import", file_id: file.id, params };
      const { body: task } = await client.post<TaskView>("/api/v1/tasks", request);
      expect(await endedTask(rowmill.ctx, task.id)).toMatchObject({
        status: "failed",
        errorCode: "forbidden",
        errorMessage: "A task cannot import users. An administrator can upload the file to /api/v1/batches.",
      });
    }
    await worker.queue.stop(1000);
    await expectUnchanged();
  });

  test("cannot change passwords, sessions, tokens or accounts", async () => {
    const account = `/api/v1/accounts/${victim.userId}`;
    const passwords = { current_password: "correct horse", new_password: PASSWORD };
    await expectForbidden(robot.post<Problem>(`${AUTH}/password`, passwords));
    await expectForbidden(robot.get<Problem>(`${AUTH}/sessions`));
    await expectForbidden(robot.delete<Problem>(`${AUTH}/sessions`));
    await expectForbidden(robot.delete<Problem>(`${AUTH}/sessions/01a20159-f320-7af5-a6be-a1fe00000000`));
    await expectForbidden(robot.post<Problem>(`${AUTH}/tokens`, { name: "more" }));
    await expectForbidden(robot.post<Problem>(`${account}/disable`));
    await expectForbidden(robot.post<Problem>(`${account}/enable`));
    await expectForbidden(robot.delete<Problem>(`${account}/sessions`));
    await expectForbidden(robot.delete<Problem>(`${account}/tokens`));
    expect((await robot.get(account)).status).toBe(200);
    await expectUnchanged();
    expect((await victim.get(`${AUTH}/me`)).status).toBe(200);
  });
});

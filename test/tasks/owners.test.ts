import { describe, expect, test } from "vitest";
import { type Bulk, getTask, type Listed, makeTask } from "../support/task-client.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);

describe("somebody else's task", () => {
  test.each([
    ["GET", ""],
    ["GET", "/history"],
    ["GET", "/progress"],
    ["GET", "/events"],
    ["GET", "/files"],
    ["POST", "/cancel"],
    ["POST", "/retry"],
    ["DELETE", ""],
  ])("another user's task answers 404 to %s %s", async (method, path) => {
    const { id } = await makeTask(user);
    const other = await rowmill.newUser();
    for (const [client, of, status] of [
      [other, id, 404],
      [other, crypto.randomUUID(), 404],
      [other, "1", 400],
      [rowmill.client, id, 401],
    ] as const) {
      expect((await client.send(method, `/api/v1/tasks/${of}${path}`)).status).toBe(status);
    }
    expect(await getTask(user, id)).toMatchObject({ status: "pending" });
  });

  test("another user's tasks are in no list and no count", async () => {
    const { tasks, group_id } = (
      await user.post<Bulk>("/api/v1/tasks/bulk", { tasks: [{ type: "generic" }, { type: "generic" }] })
    ).body;
    const other = await rowmill.newUser();
    for (const query of ["", `?group_id=${group_id}`]) {
      expect((await other.get<Listed>(`/api/v1/tasks${query}`)).body.items).toEqual([]);
      expect((await other.get(`/api/v1/tasks/stats${query}`)).body).toMatchObject({ total: 0, pending: 0 });
    }
    expect((await user.get(`/api/v1/tasks/stats?group_id=${group_id}`)).body).toMatchObject({
      total: tasks.length,
    });
  });
});

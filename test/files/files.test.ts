import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { storeStream } from "../../src/files/store-stream.ts";
import type { Client, Problem } from "../support/client.ts";
import {
  addTask,
  FILES,
  getContent,
  kept,
  NOTHING,
  type StoredView,
  setStatus,
  storedFile,
} from "../support/files.ts";
import { picture } from "../support/pictures.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();

type List = { items: StoredView[]; next_cursor: string | null };
const list = async (user: Client, query = "") => (await user.get<List>(`${FILES}${query}`)).body;

async function addResult(user: Client, taskId: string, name = "out.txt"): Promise<string> {
  const { userId } = user;
  const facts = { userId, name, mediaType: "text/plain", origin: "result", taskId } as const;
  return (await storeStream(rowmill.ctx, facts, Buffer.from("made"))).id;
}

/** The id of the stored file behind a book's picture. */
async function addPicture(user: Client): Promise<string> {
  const fields = { title: "Emma", author: "Jane Austen", picture: await picture() };
  const { body } = await user.form<{ picture: string }>("POST", "/api/v1/books", fields);
  return body.picture.slice("/media/books/".length, -".jpg".length);
}

describe("the list", () => {
  test("the list of files has the newest first, in pages", async () => {
    const user = await rowmill.newUser();
    const stored: StoredView[] = [];
    for (const name of ["a", "b", "c", "d", "e"]) stored.unshift(await storedFile(user, name, { name }));
    expect(await list(user)).toEqual({ items: stored, next_cursor: null });
    const first = await list(user, "?limit=2");
    const second = await list(user, `?limit=2&cursor=${first.next_cursor}`);
    const third = await list(user, `?limit=2&cursor=${second.next_cursor}`);
    expect([...first.items, ...second.items, ...third.items]).toEqual(stored);
    expect(third.next_cursor).toBeNull();
  });

  test("the list of files has uploads and results but no pictures of books", async () => {
    const user = await rowmill.newUser();
    await addPicture(user);
    const upload = await storedFile(user, "x");
    const taskId = await addTask(rowmill, user.userId, "completed");
    const result = await addResult(user, taskId);
    const idsOf = async (query = "") => (await list(user, query)).items.map(({ id }) => id);
    expect(await idsOf()).toEqual([result, upload.id]);
    expect(await idsOf("?origin=upload")).toEqual([upload.id]);
    expect(await idsOf("?origin=result")).toEqual([result]);
    expect((await user.get(`${FILES}/${result}`)).body).toMatchObject({
      origin: "result",
      task_id: taskId,
      path: `/files/${result}/out.txt`,
    });
  });

  test.each(["?origin=picture", "?cursor=x", "?limit=0", "?limit=1001"])(
    "the list of files refuses %s",
    async (query) => {
      const user = await rowmill.newUser();
      expect((await user.get(`${FILES}${query}`)).status).toBe(400);
    },
  );

  test("the list of files shows a result only after its task has completed", async () => {
    const user = await rowmill.newUser();
    const taskId = await addTask(rowmill, user.userId, "processing");
    const result = await addResult(user, taskId);
    expect((await list(user)).items).toEqual([]);
    expect((await getContent(user, result)).status).toBe(404);
    await setStatus(rowmill, taskId, "completed");
    expect((await list(user)).items).toHaveLength(1);
    expect((await getContent(user, result)).body.toString()).toBe("made");
    await setStatus(rowmill, taskId, "processing");
    expect((await user.get(`${FILES}/${result}`)).status).toBe(404);
  });
});

describe("somebody else's file", () => {
  test("another user's file answers 404", async () => {
    const [owner, other] = [await rowmill.newUser(), await rowmill.newUser()];
    const file = await storedFile(owner, "secret");
    expect((await list(other)).items).toEqual([]);
    for (const id of [file.id, randomUUID()]) {
      expect((await other.get(`${FILES}/${id}`)).status).toBe(404);
      expect((await getContent(other, id)).status).toBe(404);
      expect((await other.delete(`${FILES}/${id}`)).status).toBe(404);
    }
    expect((await getContent(owner, file.id)).body.toString()).toBe("secret");
  });

  test("files require a login", async () => {
    const file = await storedFile(await rowmill.newUser(), "secret");
    for (const path of [FILES, `${FILES}/${file.id}`, `${FILES}/${file.id}/content`])
      expect([path, (await rowmill.client.get(path)).status]).toEqual([path, 401]);
  });

  test.each(["1", "urn:uuid:00000000-0000-4000-8000-000000000000", "%00", "..%2F1"])(
    "an invalid id is a 400: %s",
    async (id) => {
      const user = await rowmill.newUser();
      expect((await user.get(`${FILES}/${id}`)).status).toBe(400);
    },
  );
});

describe("deleting", () => {
  test("deleting a file removes its bytes", async () => {
    const user = await rowmill.newUser();
    const file = await storedFile(user, Buffer.alloc(3_000_000));
    const answer = await user.delete(`${FILES}/${file.id}`);
    expect([answer.status, answer.body]).toEqual([204, ""]);
    expect(await kept(rowmill, user.userId)).toEqual(NOTHING);
    expect((await user.delete(`${FILES}/${file.id}`)).status).toBe(404);
  });

  test.each(["pending", "processing"] as const)(
    "a file of a task that is %s cannot be deleted",
    async (status) => {
      const user = await rowmill.newUser();
      const file = await storedFile(user, "x");
      const taskId = await addTask(rowmill, user.userId, status, file.id);
      const answer = await user.delete<Problem>(`${FILES}/${file.id}`);
      expect([answer.status, answer.body.code]).toEqual([409, "conflict"]);
      expect(answer.body.detail).toContain(`Task ${taskId} is ${status} and needs this file.`);
      expect((await getContent(user, file.id)).status).toBe(200);
    },
  );

  test.each(["completed", "failed", "cancelled"] as const)(
    "a file of a task that is %s can be deleted",
    async (status) => {
      const user = await rowmill.newUser();
      const file = await storedFile(user, "x");
      await addTask(rowmill, user.userId, status, file.id);
      expect((await user.delete(`${FILES}/${file.id}`)).status).toBe(204);
    },
  );

  test("a result can be deleted, and the picture of a book cannot", async () => {
    const user = await rowmill.newUser();
    const result = await addResult(user, await addTask(rowmill, user.userId, "completed"));
    expect((await user.delete(`${FILES}/${result}`)).status).toBe(204);
    const pictureId = await addPicture(user);
    for (const path of [`${FILES}/${pictureId}`, `${FILES}/${pictureId}/content`])
      expect([path, (await user.get(path)).status]).toEqual([path, 404]);
    expect((await user.delete(`${FILES}/${pictureId}`)).status).toBe(404);
    expect((await rowmill.client.download(`/media/books/${pictureId}.jpg`)).status).toBe(200);
  });

  test("an upload is not served as a picture", async () => {
    const file = await storedFile(await rowmill.newUser(), await picture("png"), { name: "a.png" });
    expect((await rowmill.client.get(`/media/books/${file.id}.png`)).status).toBe(404);
  });
});

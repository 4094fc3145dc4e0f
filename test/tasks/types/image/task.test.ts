/** Image tasks over HTTP, from the upload to the download of what was made. */
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { TaskView } from "../../../../src/tasks/views.ts";
import type { Problem } from "../../../support/client.ts";
import { getContent, kept, storedFile } from "../../../support/files.ts";
import { bomb, photo, picture, SVG } from "../../../support/pictures.ts";
import { startRowmill } from "../../../support/rowmill.ts";
import { history, makeTask, untilEnded } from "../../../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const user = useUserPerTest(rowmill);

interface Made {
  readonly file: { readonly id: string; readonly name: string };
  readonly thumbnails: { readonly size: number; readonly file: { readonly id: string } }[];
}

async function imageTask(bytes: Buffer, body: object = {}, name = "photo.jpg"): Promise<TaskView> {
  const { id } = await storedFile(user, bytes, { name });
  const task = await makeTask(user, { type: "image", params: {}, file_id: id, ...body });
  return untilEnded(user, task.id);
}

test("only the owner can download the files of an image task", async () => {
  const params = { resize: [20, 20], format: "webp", thumbnails: [16] };
  const task = await imageTask(await photo(), { params });
  expect(task).toMatchObject({
    status: "completed",
    progress: 100,
    queue: "file_processing",
    error_code: null,
    result: { format: "webp", width: 10, height: 20, original: { format: "jpeg", width: 40, height: 80 } },
  });
  expect(task.result?.message).toMatch(/^Resized photo\.jpg from 40 x 80 to 10 x 20 and converted it/);
  expect(await history(user, task.id)).toEqual(["created", "queued", "started", "completed"]);

  const { file, thumbnails } = task.result as TaskView["result"] & Made;
  const { status, headers, body } = await getContent(user, file.id);
  expect([status, headers.get("content-type")]).toEqual([200, "image/webp"]);
  expect(await sharp(body).metadata()).toMatchObject({ format: "webp", width: 10, height: 20 });
  const thumbnail = await getContent(user, thumbnails[0]?.file.id ?? "");
  expect(await sharp(thumbnail.body).metadata()).toMatchObject({ format: "webp", width: 8, height: 16 });
  expect((await getContent(await rowmill.newUser(), file.id)).status).toBe(404);
});

test("an image task without params reads its parameters from metadata", async () => {
  const metadata = { quality: "high", resize: [1920, 1080], project: "May" };
  const {
    status,
    result,
    metadata: shown,
  } = await imageTask(await picture("jpeg", 2000, 1500), {
    params: undefined,
    metadata,
  });
  expect([status, shown]).toEqual(["completed", metadata]);
  expect(result).toMatchObject({ width: 1440, height: 1080 });
});

describe("fails for good, at once and without a file left of it, for", () => {
  test.each([
    ["unsupported_format", async () => SVG, /^photo\.jpg is not a JPEG, PNG/],
    ["empty_file", async () => Buffer.alloc(0), /^photo\.jpg is empty/],
    ["damaged", async () => (await picture("png")).subarray(0, 500), /^photo\.jpg is damaged/],
    ["too_many_pixels", async () => bomb(10_000), /^photo\.jpg has 100000000 pixels/],
  ])("%s", async (code, make, says) => {
    const task = await imageTask(await make());
    expect(task).toMatchObject({
      status: "failed",
      error_code: code,
      retry_count: 0,
      attempt: 1,
      result: null,
    });
    expect(task.error_message).toMatch(says);
    expect((await kept(rowmill, user.userId)).files).toBe(1);
  });
});

test("an image task fails if the quota is full, and leaves no file", async () => {
  await using small = await startRowmill({ FILES_QUOTA_BYTES: "20000" });
  await small.startWorker();
  const owner = await small.newUser();
  const { id } = await storedFile(owner, await picture("jpeg", 100, 100), { name: "a.jpg" });
  const params = { format: "png", resize: { width: 400, enlarge: true }, thumbnails: [16] };
  const task = await untilEnded(owner, (await makeTask(owner, { type: "image", params, file_id: id })).id);
  expect(task).toMatchObject({ status: "failed", error_code: "quota_exceeded", attempt: 1 });
  expect((await kept(small, owner.userId)).files).toBe(1);
});

describe("is not made", () => {
  test("an image task without a file, or with another user's file, is refused", async () => {
    const none = await user.post<Problem>("/api/v1/tasks", { type: "image" });
    expect([none.status, Object.keys(none.body.field_errors)]).toEqual([400, ["file_path"]]);
    const { id } = await storedFile(await rowmill.newUser(), await picture());
    const theirs = await user.post<Problem>("/api/v1/tasks", { type: "image", file_id: id });
    expect([theirs.status, Object.keys(theirs.body.field_errors)]).toEqual([400, ["file_id"]]);
  });

  test("an image task with a wrong parameter is refused", async () => {
    const { id } = await storedFile(user, await picture());
    const send = (body: object) =>
      user.post<Problem>("/api/v1/tasks", { type: "image", file_id: id, ...body });
    const inParams = await send({ params: { resize: "big", quality: 200 } });
    expect(inParams.status).toBe(400);
    expect(Object.keys(inParams.body.field_errors)).toEqual(["params.resize", "params.quality"]);
    const inMetadata = await send({ metadata: { resize: [1920] } });
    expect(inMetadata.body.field_errors["metadata.resize"]).toEqual([
      "must be: [width, height] in pixels, 1 to 16383, or an object with width, height, fit and enlarge.",
    ]);
  });
});

/** Documents and videos as tasks: over HTTP, from a file in the database to a file in the database. */
import { describe, expect, test } from "vitest";
import type { TaskView } from "../../../src/tasks/views.ts";
import { pdfWithPages } from "../../support/pdf.ts";
import { untilEnded } from "../../support/task-client.ts";
import { useRowmill, useUser } from "../../support/use-rowmill.ts";
import { makeVideo } from "../../support/videos.ts";

const rowmill = useRowmill({ worker: true });
const user = useUser(rowmill);

async function work(type: string, bytes: Buffer, name: string, params: object = {}): Promise<TaskView> {
  const { body: file } = await user.upload<{ id: string }>(bytes, "/api/v1/files", name);
  const made = await user.post<TaskView>("/api/v1/tasks", { type, file_id: file.id, params });
  expect(made.status).toBe(201);
  return untilEnded(user, made.body.id);
}

const contentOf = async (task: TaskView, field: string) => {
  const file = task.result?.[field] as { id: string } | undefined;
  const { status, headers, body } = await user.download(`/api/v1/files/${file?.id}/content`, {
    authorization: `Bearer ${user.token}`,
  });
  expect(status).toBe(200);
  return { type: headers.get("content-type"), bytes: body };
};

describe("a document", () => {
  test("a document task creates a text file", async () => {
    const task = await work("document", pdfWithPages(["Grüße", "Page two"]), "report.pdf");
    expect(task).toMatchObject({ status: "completed", result: { format: "pdf", pages: 2, words: 3 } });
    const { type, bytes } = await contentOf(task, "text_file");
    expect(type).toBe("text/plain; charset=utf-8");
    expect(bytes.toString()).toBe("Grüße\n\fPage two\n");
  });

  test("a document of megabytes is read in pieces", async () => {
    const text = "Ein Wort und noch 2,5 Wörter.\n".repeat(150_000);
    const task = await work("document", Buffer.from(text), "long.txt");
    expect(task).toMatchObject({ status: "completed", result: { words: 900_000, lines: 150_000 } });
    expect((await contentOf(task, "text_file")).bytes.equals(Buffer.from(text))).toBe(true);
  });

  test("an unreadable document fails at once and leaves no file", async () => {
    const before = await user.get<{ items: unknown[] }>("/api/v1/files?origin=result");
    const task = await work("document", Buffer.from("%PDF-1.7\nnothing"), "broken.pdf");
    expect(task).toMatchObject({ status: "failed", error_code: "damaged", retry_count: 0 });
    const after = await user.get<{ items: unknown[] }>("/api/v1/files?origin=result");
    expect(after.body.items).toHaveLength(before.body.items.length);
  });

  test("a document task with invalid parameters is refused", async () => {
    const { body: file } = await user.upload<{ id: string }>("x", "/api/v1/files", "x.txt");
    const request = { type: "document", file_id: file.id, params: { max_pages: 0 } };
    const { status, body } = await user.post<{ field_errors: object }>("/api/v1/tasks", request);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors)).toEqual(["params.max_pages"]);
  });
});

test("a video task trims a video into another container", async () => {
  const video = await makeVideo({ container: "mp4", video: "avc", audio: "aac", packetBytes: 50_000 });
  const params = { action: "remux", container: "mkv", trim: { end_seconds: 2 } };
  const task = await work("video", video, "trip.mp4", params);
  expect(task).toMatchObject({
    status: "completed",
    result: { container: "mp4", duration_seconds: 4, output: { container: "mkv", actual_end_seconds: 2 } },
  });
  const { type, bytes } = await contentOf(task, "file");
  expect(type).toBe("video/x-matroska");
  const again = await work("video", bytes, "trip.mkv");
  expect(again.result).toMatchObject({ container: "mkv", video: { codec: "avc", frame_rate: 25 } });
  expect(again.result?.duration_seconds).toBeCloseTo(2, 1);
});

test("the document and video types describe themselves and their limits", async () => {
  const { body } = await user.get<{ items: { name: string; description: string }[] }>("/api/v1/task-types");
  const described = new Map(body.items.map(({ name, description }) => [name, description]));
  expect(described.get("video")).toContain("does not encode again");
  expect(described.get("document")).toContain("no OCR");
});

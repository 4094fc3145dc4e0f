import { describe, expect, test } from "vitest";
import type { Client, Problem } from "../support/client.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const user = useUser(rowmill);
const admin = useAdmin(rowmill);

interface Column {
  name: string;
  required: boolean;
  example: string | null;
  secret: boolean;
}

interface Target {
  name: string;
  columns: Column[];
  template: string;
}

const names = async (who: Client) =>
  (await who.get<{ items: Target[] }>("/api/v1/targets")).body.items.map(({ name }) => name);

test("the list of targets has those the user may upload to", async () => {
  expect(await names(user)).toEqual(["books", "records"]);
  expect(await names(admin)).toEqual(["books", "messages", "records", "users"]);
});

test("a target shows its columns with their rules", async () => {
  const { body } = await user.get("/api/v1/targets/books");
  expect(body).toMatchObject({
    name: "books",
    open: false,
    strict: true,
    key: ["title", "author"],
    modes: ["insert", "skip_existing", "upsert", "append"],
    undo: true,
    role: null,
    template: "/api/v1/targets/books/template.csv",
  });
  expect(body.columns).toEqual([
    {
      name: "title",
      label: null,
      type: "text",
      values: null,
      formats: null,
      description: "The title.",
      required: true,
      min_length: 1,
      max_length: 500,
      pattern: null,
      default: null,
      example: "Frankenstein",
      aliases: ["name", "original_title", "book_title"],
      secret: false,
    },
    expect.objectContaining({ name: "author", required: true, max_length: 200 }),
    expect.objectContaining({ name: "description", required: false, default: "", aliases: ["summary"] }),
  ]);
  expect((await user.get("/api/v1/targets/records")).body).toMatchObject({
    open: true,
    strict: false,
    columns: [],
  });
});

test("the secret column of the users target is marked", async () => {
  const { body } = await admin.get<Target>("/api/v1/targets/users");
  expect(body).toMatchObject({
    role: "admin",
    key: ["username"],
    modes: ["insert", "skip_existing", "upsert"],
  });
  expect(body.columns.filter(({ secret }) => secret).map(({ name }) => name)).toEqual(["password"]);
});

describe("the template", () => {
  test("a template is a CSV attachment", async () => {
    const { headers, body } = await user.get<string>("/api/v1/targets/books/template.csv");
    expect(headers.get("content-type")).toBe("text/csv; charset=utf-8");
    expect(headers.get("content-disposition")).toBe('attachment; filename="books.csv"');
    expect(body).toBe(
      "title,author,description\nFrankenstein,Mary Shelley,A scientist makes a living being.\n",
    );
  });

  test("the template of every target can be uploaded unchanged", async () => {
    await rowmill.startWorker();
    for (const name of await names(admin)) {
      const { body: file } = await admin.get<string>(`/api/v1/targets/${name}/template.csv`);
      const { status, body } = await admin.upload(file, `/api/v1/batches?target=${name}`);
      expect(status).toBe(202);
      expect(await admin.finished(body.id)).toMatchObject({ state: "completed", counts: { success: 1 } });
    }
  });
});

test("unknown and forbidden targets answer the same 404", async () => {
  const answers: Problem[] = [];
  for (const name of ["users", "nothing", "__proto__", "Books"]) {
    for (const path of [`/api/v1/targets/${name}`, `/api/v1/targets/${name}/template.csv`]) {
      const { status, body } = await user.get<Problem>(path);
      expect(status).toBe(404);
      answers.push(body);
    }
  }
  expect(new Set(answers.map(({ detail }) => detail)).size).toBe(1);
});

test("targets require a login", async () => {
  for (const path of ["", "/books", "/books/template.csv"]) {
    expect((await rowmill.client.get(`/api/v1/targets${path}`)).status).toBe(401);
  }
});

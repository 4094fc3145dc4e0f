/** People go on while answers are on their way. */
import type { APIResponse, Page, Request } from "playwright-core";
import { describe, expect, test } from "vitest";
import { csv } from "../support/book-files.ts";
import { hasBrowser } from "../support/browser.ts";
import { useConsole } from "../support/console.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const browser = useConsole(rowmill);
const admin = useAdmin(rowmill, "root");

interface Held {
  readonly count: () => number;
  /** Answers, and lets later requests through. */
  readonly release: () => Promise<void>;
}

/** Holds requests back. */
async function hold(page: Page, method: string, url: RegExp): Promise<Held> {
  const { promise: released, resolve } = Promise.withResolvers<void>();
  const requests: Request[] = [];
  await page.route(url, async (route) => {
    if (route.request().method() !== method) return route.fallback();
    requests.push(route.request());
    await released;
    await route.fallback();
  });
  return {
    count: () => requests.length,
    release: async () => {
      await until("the request is sent", async () => requests.length > 0);
      resolve();
      await Promise.all(requests.map((request) => request.response()));
    },
  };
}

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

describe.skipIf(!hasBrowser)("while answers are on their way, the console", () => {
  test("shows an import that ends during the first read of its page as it has ended", async () => {
    const ada = await rowmill.client.signUp("ada");
    const { body } = await ada.upload(csv(4), "/api/v1/batches?target=books&rows_per_second=1", "books.csv");
    await ada.post(`/api/v1/batches/${body.id}/pause`);
    const page = await browser.open("about:blank", { user: "ada" });
    await page.addInitScript(`{
      const Stream = EventSource;
      window.EventSource = class extends Stream {
        constructor(url) {
          super(url);
          this.addEventListener("batch", ({ data }) => {
            // The page reads what has changed after a moment.
            if (JSON.parse(data).state === "completed") setTimeout(() => { window.knowsTheEnd = true; }, 500);
          });
        }
      };
    }`);
    const first = Promise.withResolvers<APIResponse>();
    const isReleased = Promise.withResolvers<void>();
    let reads = 0;
    await page.route(new RegExp(`/api/v1/batches/${body.id}$`), async (route) => {
      if (reads++ > 0) return route.fallback();
      const response = await route.fetch();
      first.resolve(response);
      await isReleased.promise;
      await route.fulfill({ response });
    });
    await page.goto(`/batches/${body.id}`);
    expect(await (await first.promise).json()).toMatchObject({ state: "paused" });
    await ada.post(`/api/v1/batches/${body.id}/resume`);
    await until("the page knows the end", () => page.evaluate<boolean>("window.knowsTheEnd ?? false"));
    isReleased.resolve();
    await page.getByText("Every row was imported.").waitFor();
  });

  test("shows progress if events come faster than answers", async () => {
    const bo = await rowmill.client.signUp("bo");
    const { body } = await bo.upload(
      csv(40_000),
      "/api/v1/batches?target=books&rows_per_second=1000",
      "books.csv",
    );
    const page = await browser.open("about:blank", { user: "bo" });
    await page.route(new RegExp(`/api/v1/batches/${body.id}$`), async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 2500));
      await route.fallback().catch(() => undefined);
    });
    await page.goto(`/batches/${body.id}`);
    const titles = new Set<string>();
    const changed = async () => {
      const title = await page.title();
      if (title.includes("%")) titles.add(title);
      return titles.size >= 2;
    };
    await until("the percentage changes", changed, 60_000);
    await bo.post(`/api/v1/batches/${body.id}/cancel`);
    await bo.finished(body.id);
  });

  test("shows what has changed without a stream if answers take longer than the pause between reads", async () => {
    const al = await rowmill.client.signUp("al");
    const { body } = await al.upload(csv(4), "/api/v1/batches?target=books&rows_per_second=1", "books.csv");
    await al.post(`/api/v1/batches/${body.id}/pause`);
    const page = await browser.open("about:blank", { user: "al" });
    browser.expectProblems(/api\/v1\/events|ERR_FAILED/);
    await page.route(/\/api\/v1\/events/, (route) => route.abort());
    await page.goto(`/batches/${body.id}`);
    await page.getByText("Paused").first().waitFor();
    await page.route(new RegExp(`/api/v1/batches/${body.id}$`), async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 7000));
      await route.fallback().catch(() => undefined);
    });
    await al.post(`/api/v1/batches/${body.id}/resume`);
    await page.getByText("Every row was imported.").waitFor();
  });

  test("keeps what is typed into a form while its file is sent", async () => {
    await rowmill.client.signUp("cy");
    const page = await browser.open("/tasks/new?type=batch_import", { user: "cy" });
    const sent = await hold(page, "POST", /\/api\/v1\/files/);
    const file = { name: "books.csv", mimeType: "text/csv", buffer: Buffer.from(csv(1)) };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByLabel("Title").fill("Books of spring");
    await sent.release();
    await page.getByText("books.csv").first().waitFor();
    await until("the file is chosen", async () =>
      (await page.getByRole("combobox", { name: "File" }).inputValue()).includes("books.csv"),
    );
    expect(await page.getByLabel("Title").inputValue()).toBe("Books of spring");
  });

  test("replaces only what its preview has counted", async () => {
    const di = await rowmill.client.signUp("di");
    const { body } = await di.upload(
      "title,author\n,Emma\n,Emil\n",
      "/api/v1/batches?target=books",
      "books.csv",
    );
    await di.finished(body.id);
    const page = await browser.open(`/batches/${body.id}?tab=failed`, { user: "di" });
    await button(page, "Find and replace").click();
    await page.getByRole("combobox", { name: "Column" }).click();
    await page.getByRole("option", { name: "author" }).click();
    await page.getByLabel("Find", { exact: true }).fill("Emma");
    const counted = await hold(page, "POST", /\/rows\/edit$/);
    await button(page, "Preview").click();
    await page.getByLabel("Find", { exact: true }).fill("Emil");
    await counted.release();
    await button(page, "Preview").click();
    await page.getByRole("cell", { name: "Emil" }).waitFor();
    expect(counted.count()).toBe(2);
  });

  test("keeps what is typed into a target while it is saved", async () => {
    const definition = { destination: { type: "records" }, columns: [{ name: "title", type: "text" }] };
    await admin.post("/api/v1/targets", { name: "notes", title: "Notes", ...definition });
    const page = await browser.open("/admin/targets/notes/edit", { user: "root" });
    await page.getByLabel("Title").fill("Notes of");
    const saved = await hold(page, "PUT", /\/api\/v1\/targets\/notes$/);
    await button(page, "Save as version 2").click();
    await page.getByLabel("Title").fill("Notes of all");
    await saved.release();
    await page.getByText("notes is saved as version 2.").waitFor();
    expect(await page.getByLabel("Title").inputValue()).toBe("Notes of all");
    await button(page, "Save as version 3").click();
    await page.getByText("notes is saved as version 3.").waitFor();
    await button(page, "Save as version 4").and(page.locator(":disabled")).waitFor();
  });

  test("opens the page that was clicked last", async () => {
    await rowmill.client.signUp("ed");
    const page = await browser.open("/tasks", { user: "ed" });
    await page.getByText("No tasks yet").waitFor();
    await page.route(/\/assets\/workflows-page/, async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await route.fallback();
    });
    await page.getByRole("searchbox").fill("needle");
    await page.getByRole("link", { name: "Workflows" }).click();
    await page.getByRole("heading", { name: "Workflows", exact: true }).waitFor();

    const created = await hold(page, "POST", /\/api\/v1\/tasks$/);
    await page.goto("/tasks/new?type=generic");
    await page.getByLabel("Seconds", { exact: true }).fill("0");
    await button(page, "Create task").click();
    await page.getByRole("link", { name: "Schedules" }).click();
    await page.getByRole("heading", { name: "Schedules", exact: true }).waitFor();
    await created.release();
    await page.getByText(/Task .* created/).waitFor();
    expect(new URL(page.url()).pathname).toBe("/schedules");
  });

  test("opens a page whose code could not be loaded, once the connection is back", async () => {
    await rowmill.client.signUp("ivy");
    const page = await browser.open("/tasks", { user: "ivy" });
    browser.expectProblems(/ERR_INTERNET_DISCONNECTED|could not be loaded/);
    await page.getByText("No tasks yet").waitFor();
    await page.context().setOffline(true);
    await page.getByRole("link", { name: "Workflows" }).click();
    await page.getByText("This page could not be loaded.").waitFor();
    await button(page, "Try again").click();
    await page.context().setOffline(false);
    await button(page, "Try again").click();
    await page.getByRole("heading", { name: "Workflows", exact: true }).waitFor();
  });

  test("closes only the form that was saved", async () => {
    const fay = await rowmill.client.signUp("fay");
    for (const title of ["Emma", "Ivanhoe"]) await fay.post("/api/v1/books", { title, author: "?" });
    const page = await browser.open("/library", { user: "fay" });
    const title = page.getByRole("textbox", { name: "Title", exact: true });
    await page.getByRole("link", { name: "Emma" }).click();
    await title.fill("Emma, again");
    const saved = await hold(page, "PATCH", /\/api\/v1\/books\//);
    await button(page, "Save").click();
    await button(page, "Cancel").click();
    await page.getByRole("link", { name: "Ivanhoe" }).click();
    await title.fill("Ivanhoe, again");
    await saved.release();
    await page.getByRole("link", { name: "Emma, again" }).waitFor();
    expect(await title.inputValue()).toBe("Ivanhoe, again");
  });

  test("deletes a notification once, however often the button is clicked", async () => {
    const gus = await rowmill.client.signUp("gus");
    const { body } = await gus.upload(csv(1), "/api/v1/batches?target=books", "books.csv");
    await gus.finished(body.id);
    const page = await browser.open("/inbox", { user: "gus" });
    await page.getByRole("link", { name: /has completed/ }).waitFor();
    const deleted = await hold(page, "DELETE", /\/api\/v1\/notifications\//);
    await button(page, "Delete").dblclick();
    await deleted.release();
    await page.getByRole("link", { name: /has completed/ }).waitFor({ state: "detached" });
    expect(deleted.count()).toBe(1);
  });
});

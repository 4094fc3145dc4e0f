/** Imports in the console: watched, fixed, taken back. */
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { PASSWORD } from "../../support/auth.ts";
import { csv } from "../../support/book-files.ts";
import { hasBrowser } from "../../support/browser.ts";
import type { Client } from "../../support/client.ts";
import { findBarriers, findWide, useConsole } from "../../support/console.ts";
import { until } from "../../support/until.ts";
import { useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ worker: true });
const browser = useConsole(rowmill);

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
const tab = (page: Page, name: RegExp) => page.getByRole("tab", { name }).click();

describe.skipIf(!hasBrowser)("the pages of imports", () => {
  test("a bad row is edited in the grid and retried until the import is complete", async () => {
    const ada = await rowmill.client.signUp("ada");
    const id = await importFile(ada, "Title,Book Author\nEmma,Jane Austen\n,Nobody\nIvanhoe,\n");
    const page = await browser.open(`/batches/${id}`, { user: "ada" });
    await page.getByText("Completed with errors").waitFor();
    await page.getByText("title is required").waitFor();
    expect(await findBarriers(page)).toEqual([]);

    await page.getByRole("link", { name: "Show these: title is required" }).click();
    const grid = page.getByRole("grid", { name: "Failed rows" });
    await grid.getByRole("gridcell", { name: "title is required" }).first().waitFor();
    expect(await grid.getByText("Ivanhoe").count()).toBe(0);
    await page.getByRole("button", { name: "Show the others too" }).click();
    await grid.getByText("Ivanhoe").waitFor();
    expect(await grid.getAttribute("aria-rowcount")).toBe("3");

    // By keyboard alone: to the first cell of the file, and a text typed over it.
    await grid.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.type("Noname");
    await page.keyboard.press("Enter");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("F2");
    await page.keyboard.type("Walter Scott");
    await page.keyboard.press("Tab");
    await page.getByText("2 cells changed in 2 rows").waitFor();
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByText("1 cell changed in 1 row").waitFor();
    expect(await findBarriers(page)).toEqual([]);

    // Another page of the console keeps the change. The clipboard of a spreadsheet fills two cells.
    await page.getByRole("link", { name: "Records" }).click();
    await heading(page, "Records");
    await page.goBack();
    await page.getByText("1 cell changed in 1 row").waitFor();
    await page.evaluate("navigator.clipboard.writeText('Noname\\tNobody\\nIvanhoe\\tWalter Scott')");
    await grid.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Control+v");
    await page.getByText("2 cells changed in 2 rows").waitFor();
    await page.getByRole("button", { name: "Save and retry" }).click();
    await page.getByText("Completed", { exact: true }).waitFor();
    expect((await ada.batch(id)).body.records).toMatchObject({ created: 3 });
  });

  test("find and replace fixes a column of all failed rows after a preview", async () => {
    const bo = await rowmill.client.signUp("bo");
    const rows = Array.from({ length: 150 }, (_, at) => `${"x".repeat(501)},Author ${at}`);
    const id = await importFile(bo, `title,author\n${rows.join("\n")}\n`);
    const page = await browser.open(`/batches/${id}?tab=failed`, { user: "bo" });
    await page.getByRole("button", { name: "Find and replace" }).click();
    await page.getByLabel("Find", { exact: true }).fill("x".repeat(100));
    await page.getByLabel("Replace with").fill("y");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText("150 rows will change:").waitFor();
    await page.getByRole("button", { name: "Replace in 150 rows" }).click();
    await page
      .getByRole("gridcell", { name: /^yyyyyx/ })
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Retry all 150 failed rows" }).click();
    await page.getByText("Completed", { exact: true }).waitFor();
  });

  test("a dry run is checked and then imported without sending the file again", async () => {
    const cy = await rowmill.client.signUp("cy");
    const id = await importFile(cy, csv(20), { dry_run: "true" });
    const page = await browser.open(`/batches/${id}`, { user: "cy" });
    await page.getByText("What the import would do").waitFor();
    await page.getByRole("button", { name: "Import for real" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Import for real" }).click();
    await page.getByText("Every row was imported.").waitFor();
  });

  test("100,000 rows are watched, paused, resumed, cancelled and undone", async () => {
    const di = await rowmill.client.signUp("di");
    const lines = Array.from({ length: 100_000 }, (_, at) => `Book ${at},Author ${at}`);
    // Takes more than a minute, so that the page is there to pause it.
    const content = ["title,author", ...lines].join("\n");
    const id = await importFile(di, content, { rows_per_second: "1000" }, false);
    const page = await browser.open(`/batches/${id}`, { user: "di" });
    await page.getByText("100,000 rows").waitFor();
    await until("the tab shows a percentage", async () => (await page.title()).includes("%"));
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("No rows are processed until you resume the import.").waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Cancel import" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Cancel import" }).click();
    await page.getByText("The import was cancelled.").waitFor();

    // Any row of the file is a moment away.
    await tab(page, /All rows/);
    await page.getByLabel("A row number, as in a spreadsheet").fill("90000");
    await page.getByRole("button", { name: "Go", exact: true }).click();
    await page.getByRole("gridcell", { name: "Book 89998" }).waitFor();
    expect(new URL(page.url()).searchParams.get("from")).toBe("90000");
    await page.getByRole("button", { name: "Details of row 90,000" }).click();
    await page.getByRole("dialog", { name: "Row 90,000" }).getByText("Author 89998").waitFor();
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "Undo import" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Undo import" }).click();
    await tab(page, /Overview/);
    await page.getByText("The import was undone.").waitFor();
  });

  test("unsaved changes survive the end of the session and a lost connection", async () => {
    browser.expectProblems(/401 \(Unauthorized\)|ERR_INTERNET_DISCONNECTED/);
    const ed = await rowmill.client.signUp("ed");
    const id = await importFile(ed, csv(3, 1));
    const page = await browser.open(`/batches/${id}?tab=failed`, { user: "ed" });
    const grid = page.getByRole("grid", { name: "Failed rows" });
    await grid.getByRole("gridcell", { name: "title is required" }).first().waitFor();
    await grid.focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.type("Found");
    await page.keyboard.press("Enter");
    await page.getByText("1 cell changed in 1 row").waitFor();

    await page.context().setOffline(true);
    await page.getByText("You are offline.").waitFor();
    await page.context().setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached" });

    await page.context().clearCookies();
    // Anything that the page reads meanwhile may have asked for the password already.
    await page.getByRole("button", { name: "Save and retry" }).dispatchEvent("click");
    const dialog = page.getByRole("dialog", { name: "Your session has ended" });
    await dialog.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await dialog.getByRole("button", { name: "Sign in", exact: true }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByText("1 cell changed in 1 row").waitFor();
    await page.getByRole("button", { name: "Save and retry" }).click();
    await page.getByText("Completed", { exact: true }).waitFor();
  });

  test("the import of another user is not found, and lists fit a phone", async () => {
    browser.expectProblems(/404 \(Not Found\)/);
    const fay = await rowmill.client.signUp("fay");
    const id = await importFile(fay, csv(3, 1));
    await rowmill.client.signUp("gus");
    const stranger = await browser.open(`/batches/${id}`, { user: "gus" });
    await stranger.getByText("Page not found").waitFor();

    const page = await browser.open("/batches", { user: "fay", screen: "phone", scheme: "dark" });
    await page.getByRole("link", { name: "books.csv" }).waitFor();
    expect(await findWide(page)).toEqual([]);
    await page.getByRole("link", { name: "books.csv" }).click();
    await page.getByText("title is required").waitFor();
    expect(await findWide(page)).toEqual([]);
  });
});

/** Uploads books. @returns the id of the batch, after it has ended */
async function importFile(
  user: Client,
  content: string,
  options: Record<string, string> = {},
  isAwaited = true,
): Promise<string> {
  const query = new URLSearchParams({ target: "books", ...options });
  const { body } = await user.upload(content, `/api/v1/batches?${query}`, "books.csv");
  if (isAwaited) await user.finished(body.id);
  return body.id;
}

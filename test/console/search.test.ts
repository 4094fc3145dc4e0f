/** Searches of the console in lists that are too long for one answer. */
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { hasBrowser } from "../support/browser.ts";
import { findBarriers, findWide, useConsole } from "../support/console.ts";
import { addEndedTasks, long } from "../support/ended-tasks.ts";
import { until } from "../support/until.ts";
import { useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const browser = useConsole(rowmill);
const owner = useUser(rowmill, "vera");

const keepSearching = (page: Page) => page.getByRole("button", { name: "Keep searching" });
const shown = (page: Page) => page.locator("tbody").getByRole("link").allTextContents();

/** Counts the answers that a search asks for, each of which takes this long. */
async function slowDown(page: Page, ms: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  await page.route(/\/api\/v1\/tasks\?/, async (route) => {
    const words = new URL(route.request().url()).searchParams.get("search") ?? "";
    counts.set(words, (counts.get(words) ?? 0) + 1);
    await new Promise((resolve) => setTimeout(resolve, ms));
    // The page may have cancelled the request.
    await route.continue().catch(() => undefined);
  });
  return counts;
}

describe.skipIf(!hasBrowser)("the console", () => {
  test("a search waits for the user after ten answers, and shows each match once and in order", async () => {
    const titles = [...long(2), "Needle 1", ...long(7), "Needle 2", "Needle 3", ...long(13)];
    await addEndedTasks(rowmill.ctx.pool, owner.userId, titles);
    const page = await browser.open("/tasks?q=needle", { user: "vera" });
    await page.getByText("Nothing found yet.").waitFor();
    expect(await page.getByText("No task matches").count()).toBe(0);
    expect(await page.getByRole("status").filter({ hasText: "last item searched" }).textContent()).toMatch(
      /^Nothing found yet\. The last item searched was created on .*\d\d:\d\d/,
    );
    expect(await findBarriers(page)).toEqual([]);
    expect(await findWide(page)).toEqual([]);
    await keepSearching(page).click();
    await page.getByText("2 found so far.").waitFor();
    expect(await shown(page)).toEqual(["Needle 3", "Needle 2"]);
    await keepSearching(page).click();
    await page.getByText("3 loaded").waitFor();
    expect(await shown(page)).toEqual(["Needle 3", "Needle 2", "Needle 1"]);
    expect(await keepSearching(page).count()).toBe(0);
  });

  test("a search without a match says so at the end of the list", async () => {
    const page = await browser.open("/tasks?q=absent", { user: "vera" });
    await keepSearching(page).click();
    await keepSearching(page).click();
    await page.getByText("No task matches these filters").waitFor();
    expect(await keepSearching(page).count()).toBe(0);
  });

  test("a search stops when its words change, and when the user leaves the page", async () => {
    const page = await browser.open("/tasks", { user: "vera" });
    const counts = await slowDown(page, 200);
    await page.getByRole("searchbox").fill("needle");
    await until("the search has started", async () => (counts.get("needle") ?? 0) >= 2);
    await page.getByRole("searchbox").fill("absent");
    await until("the next search has started", async () => (counts.get("absent") ?? 0) >= 1);
    const asked = counts.get("needle");
    await page.getByText("Nothing found yet.").waitFor();
    expect(counts.get("needle")).toBe(asked);
    expect(asked).toBeLessThan(10);
    expect(counts.get("absent")).toBe(10);

    await keepSearching(page).click();
    await until("the search continues", async () => (counts.get("absent") ?? 0) >= 12);
    await page.getByRole("link", { name: "Workflows" }).click();
    await page.getByRole("heading", { name: "Workflows" }).waitFor();
    const left = counts.get("absent");
    await page.waitForTimeout(1000);
    expect(counts.get("absent")).toBe(left);
    expect(left).toBeLessThan(20);
  });
});

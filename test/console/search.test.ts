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

interface Answers {
  /** How many a search has asked for. */
  readonly count: (words: string) => number;
  /** Holds back the answers from this one on, until the returned function is called. */
  readonly hold: (words: string, from: number) => () => void;
}

async function watchAnswers(page: Page): Promise<Answers> {
  const counts = new Map<string, number>();
  const held = new Map<string, { readonly from: number; readonly released: Promise<void> }>();
  const count = (words: string) => counts.get(words) ?? 0;
  await page.route(/\/api\/v1\/tasks\?/, async (route) => {
    const words = new URL(route.request().url()).searchParams.get("search") ?? "";
    counts.set(words, count(words) + 1);
    const hold = held.get(words);
    if (hold && count(words) >= hold.from) await hold.released;
    // The page may have cancelled the request.
    await route.fallback().catch(() => undefined);
  });
  return {
    count,
    hold: (words, from) => {
      const { promise: released, resolve } = Promise.withResolvers<void>();
      held.set(words, { from, released });
      return resolve;
    },
  };
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
    const answers = await watchAnswers(page);
    const answerNeedle = answers.hold("needle", 2);
    await page.getByRole("searchbox").fill("needle");
    await until("the search has started", async () => answers.count("needle") === 2);
    await page.getByRole("searchbox").fill("absent");
    await until("the next search has started", async () => answers.count("absent") >= 1);
    answerNeedle();
    await page.getByText("Nothing found yet.").waitFor();
    expect(answers.count("needle")).toBe(2);
    expect(answers.count("absent")).toBe(10);

    const answerAbsent = answers.hold("absent", 12);
    await keepSearching(page).click();
    await until("the search continues", async () => answers.count("absent") === 12);
    await page.getByRole("link", { name: "Workflows" }).click();
    await page.getByRole("heading", { name: "Workflows", exact: true }).waitFor();
    answerAbsent();
    await page.waitForTimeout(1000);
    expect(answers.count("absent")).toBe(12);
  });
});

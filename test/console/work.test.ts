/** Tasks, workflows and schedules in the console. */
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { hasBrowser } from "../support/browser.ts";
import { findBarriers, findWide, useConsole } from "../support/console.ts";
import { closeGate } from "../support/gate.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";
import { makeWorkflow, quick } from "../support/workflows.ts";

const rowmill = useRowmill({ worker: true, settings: { MAX_GENERIC_SECONDS: "1000" } });
const browser = useConsole(rowmill);
const user = useUser(rowmill, "vera");
useAdmin(rowmill, "olga", "operator");

async function choose(page: Page, field: string, option: string): Promise<void> {
  await page.getByRole("combobox", { name: field }).click();
  await page.getByRole("option", { name: option }).click();
}

describe.skipIf(!hasBrowser)("the console", () => {
  test("a task is created from its form, watched, cancelled, and run again with changed parameters", async () => {
    browser.expectProblems(/400 \(Bad Request\)/);
    const page = await browser.open("/tasks", { user: "vera" });
    await page.getByText("No tasks yet").waitFor();
    await page.getByRole("link", { name: "New task" }).first().click();
    await choose(page, "What to do", "Generic");
    await page.getByLabel("Seconds", { exact: true }).fill("4000");
    await page.getByLabel("Title").fill("Count the stars");
    await page.getByRole("button", { name: "Create task" }).click();
    await page.getByText("Must be at most 3600.").waitFor();
    await page.getByLabel("Seconds", { exact: true }).fill("2000");
    await page.getByRole("button", { name: "Create task" }).click();
    // The API knows a lower limit than the schema.
    await page.getByText("MAX_GENERIC_SECONDS").waitFor();
    await page.getByLabel("Seconds", { exact: true }).fill("1000");
    await page.getByRole("button", { name: "Create task" }).click();

    await page.getByRole("heading", { name: "Count the stars" }).waitFor();
    await page.getByText("Running").first().waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Cancel task" }).click();
    await page.getByLabel("Reason").fill("It is cloudy.");
    await page.getByRole("dialog").getByRole("button", { name: "Cancel task" }).click();
    await page.getByText("It is cloudy.").first().waitFor();
    await page.getByRole("button", { name: "Retry" }).waitFor();

    await page.getByRole("link", { name: "Run again…" }).click();
    await page.getByLabel("Title").fill("Count the moons");
    await page.getByLabel("Seconds", { exact: true }).fill("0");
    await page.getByRole("button", { name: "Create task" }).click();
    await page.getByRole("heading", { name: "Count the moons" }).waitFor();
    await page.getByRole("heading", { name: "Outcome" }).waitFor();
    expect(await findWide(page)).toEqual([]);

    await page.goto("/tasks?status=cancelled");
    await page.getByRole("link", { name: "Count the stars" }).waitFor();
    expect(await page.getByRole("link", { name: "Count the moons" }).count()).toBe(0);
  });

  test("the graph of a workflow shows its steps while they run", async () => {
    await using gate = await closeGate(rowmill.ctx, "complete");
    const { id } = await makeWorkflow(user, {
      name: "Three steps",
      steps: [
        quick({ name: "first", title: "gate" }),
        quick({ name: "second", depends_on: ["first"] }),
        quick({ name: "alarm", depends_on: ["first"], when: "failure" }),
      ],
    });
    const page = await browser.open(`/workflows/${id}`, { user: "vera" });
    const node = (name: string) => page.getByRole("button", { name });
    await node("first Running").waitFor();
    await node("second Waiting").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await gate.open();
    await node("second Completed").waitFor();
    await node("alarm Skipped").waitFor();
    await node("first Completed").click();
    const drawer = page.getByRole("dialog", { name: "first" });
    await drawer.getByRole("link", { name: "Open the task" }).waitFor();
    await page.keyboard.press("Escape");
    await drawer.waitFor({ state: "hidden" });
    await page.getByRole("region", { name: "Graph", exact: true }).last().press("+");
    await page.getByRole("cell", { name: "alarm" }).waitFor();
  });

  test("a schedule is created with a preview, runs by hand, and is switched off", async () => {
    browser.expectProblems(/400 \(Bad Request\)/);
    const page = await browser.open("/schedules/new", { user: "vera", screen: "phone", scheme: "dark" });
    await page.getByLabel("Name").fill("Nightly");
    await page.getByLabel("Cron expression").fill("61 * * * *");
    await page.getByText(/61/).last().waitFor();
    await page.getByRole("button", { name: "Every night" }).click();
    await page.getByText(/02:30/).first().waitFor();
    expect(await page.getByText(/02:30/).count()).toBe(5);
    await choose(page, "What to do", "Generic");
    await page.getByLabel("Seconds", { exact: true }).fill("0");
    expect(await findBarriers(page)).toEqual([]);
    expect(await findWide(page)).toEqual([]);
    await page.getByRole("button", { name: "Create schedule" }).click();
    await page.getByRole("heading", { name: "Nightly", exact: true }).waitFor();
    await page.getByRole("button", { name: "Run now" }).click();
    await page.getByText("by hand").waitFor();
    await page.getByRole("switch", { name: "On" }).click({ force: true });
    await page.getByText('"Nightly" is off.').waitFor();
    await page.getByRole("link", { name: "Open the task" }).click();
    await page.getByRole("heading", { name: "Timeline" }).waitFor();
  });

  test("the task of another user is not found, and operators see it", async () => {
    const { body } = await user.post<{ id: string }>("/api/v1/tasks", quick({ title: "Private" }));
    await rowmill.client.signUp("eve");
    browser.expectProblems(/404 \(Not Found\)/);
    const eve = await browser.open(`/tasks/${body.id}`, { user: "eve" });
    await eve.getByText("Page not found").waitFor();
    const olga = await browser.open(`/admin/tasks/${body.id}`, { user: "olga" });
    await olga.getByRole("heading", { name: "Private" }).waitFor();
    await olga.getByText("Created").first().waitFor();
  });
});

/** The pages for people who run Rowmill. */
import { inArray } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { queueStatistics, statistics } from "../../../src/schema/statistics.ts";
import { tasks } from "../../../src/schema/tasks.ts";
import { hasBrowser } from "../../support/browser.ts";
import { findBarriers, findWide, useConsole } from "../../support/console.ts";
import { newTask } from "../../support/tasks.ts";
import { useAdmin, useRowmill, useUser } from "../../support/use-rowmill.ts";

const rowmill = useRowmill();
const browser = useConsole(rowmill);
const user = useUser(rowmill, "vera");
useAdmin(rowmill, "root");
useAdmin(rowmill, "olga", "operator");

async function failedTasks(count: number, title: string): Promise<void> {
  const ids = await Promise.all(
    Array.from({ length: count }, () => newTask(rowmill.ctx, user.userId, 0, { title })),
  );
  const failure = {
    status: "failed",
    completedAt: new Date(),
    errorCode: "unavailable",
    errorMessage: "The service is down.",
  } as const;
  await rowmill.ctx.db.update(tasks).set(failure).where(inArray(tasks.id, ids));
}

describe.skipIf(!hasBrowser)("the console for operators", () => {
  test("the overview says what happens next, then shows the numbers of recorded minutes, with links", async () => {
    const page = await browser.open("/admin", { user: "olga" });
    await page.getByText("No statistics yet").waitFor();
    await failedTasks(2, "broken");
    const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 60_000);
    await rowmill.ctx.db
      .insert(statistics)
      .values({ minute, workersAlive: 1, workersBusy: 1, rowsSucceeded: 1200, tasksFailed: 2 });
    await rowmill.ctx.db
      .insert(queueStatistics)
      .values({ minute, queue: "default", waiting: 7, scheduled: 0, active: 1 });
    await page.getByRole("button", { name: "Refresh" }).click();
    await page.getByText("20/s").waitFor();
    await page.locator("canvas").first().waitFor();
    expect(await findBarriers(page)).toEqual([]);

    await page.getByRole("button", { name: "Show as a table: Waiting jobs" }).click();
    await page.getByRole("cell", { name: "7", exact: true }).waitFor();
    await page.getByRole("link", { name: /Failed tasks/ }).click();
    await page.getByRole("link", { name: "broken" }).first().waitFor();
    expect(new URL(page.url()).searchParams.get("status")).toBe("failed");
  });

  test("a queue is paused with a reason, and resumed", async () => {
    const page = await browser.open("/admin/queues", { user: "olga", scheme: "dark", screen: "phone" });
    await page.getByRole("button", { name: "Pause…" }).first().click();
    await page.getByLabel("Reason").fill("The mail server is being replaced.");
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.getByText("The mail server is being replaced.").waitFor();
    await page.getByText("by olga").waitFor();
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await findBarriers(page)).toEqual([]);
    expect(await findWide(page)).toEqual([]);
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("by olga").waitFor({ state: "detached" });
  });

  test("failed tasks are counted, retried and watched to the end, and not without a filter", async () => {
    await failedTasks(3, "nightly");
    await newTask(rowmill.ctx, user.userId, 0, { title: "nightly" });
    const page = await browser.open("/admin/tasks", { user: "olga" });
    await page.getByRole("button", { name: "All that match…" }).click();
    await page.getByText("Set a filter or select items first").waitFor();
    expect(await page.getByRole("menuitem", { name: "Retry all that match…" }).isDisabled()).toBe(true);

    await page.goto("/admin/tasks?q=nightly");
    await page.getByRole("checkbox", { name: "Select all that are loaded" }).waitFor();
    for (const key of ["j", "x", "j", "x"]) await page.keyboard.press(key);
    await page.getByRole("button", { name: "2 selected…" }).waitFor();
    expect(new URL(page.url()).searchParams.get("selected")?.split(",")).toHaveLength(2);
    await page.keyboard.press("Escape");

    await page.getByRole("button", { name: "All that match…" }).click();
    await page.getByRole("menuitem", { name: "Retry all that match…" }).click();
    await page.getByText("This will change 3 tasks that match the filter.").waitFor();
    await page.getByText("1 other that matches does not change").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Retry 3 tasks" }).click();
    await page.getByText("3 tasks changed.").first().waitFor();
    await page.getByRole("button", { name: "Close" }).last().click();
    await page
      .getByRole("row", { name: /Waiting/ })
      .nth(3)
      .waitFor();
  });

  test("an operator sees users, and has no buttons or pages of admins", async () => {
    const page = await browser.open(`/admin/users?user=${user.userId}`, { user: "olga" });
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Their work").waitFor();
    expect(await dialog.getByRole("button", { name: /Disable|Revoke|Log out/ }).count()).toBe(0);
    expect(await page.getByRole("button", { name: "Create a user" }).count()).toBe(0);
    expect(await page.getByRole("link", { name: "Audit log" }).count()).toBe(0);
    await page.goto("/admin/audit");
    await page.getByRole("heading", { name: "Overview" }).waitFor();
  });

  test("an admin changes a role, and the audit log shows it; the last admin stays one", async () => {
    browser.expectProblems(/409 \(Conflict\)/);
    const page = await browser.open("/admin/users", { user: "root" });
    const setRole = async (name: string, role: string) => {
      await page.getByRole("link", { name, exact: true }).click();
      await page.getByRole("dialog").getByRole("combobox", { name: "Change the role" }).click();
      await page.getByRole("option", { name: role }).click();
    };
    await setRole("vera", "Operator");
    await page.getByText("vera is now: Operator.").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
    await setRole("root", "User");
    await page.getByRole("dialog").getByRole("alert").waitFor();

    await page.goto("/admin/audit?action=account.role_changed");
    await page.getByRole("link", { name: "account.role_changed" }).click();
    await page.getByRole("dialog").getByText('"to": "operator"').waitFor();
    expect(await findBarriers(page)).toEqual([]);
  });

  test("an admin sets, replaces and deletes a secret, whose value is nowhere on the page", async () => {
    browser.expectProblems(/400 \(Bad Request\)/);
    const page = await browser.open("/admin/secrets", { user: "root" });
    await page.getByRole("button", { name: "Set a secret" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("CRM_TOKEN");
    await dialog.getByRole("textbox", { name: "Value" }).fill("a value to keep");
    await dialog.getByLabel("Requests of all users may have it").check();
    expect(await findBarriers(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog
      .getByText(/is required if all users may use the secret/)
      .first()
      .waitFor();
    await dialog.getByRole("textbox", { name: "Hosts" }).fill("api.example.com\ncrm.example.com:8443");
    await dialog.getByRole("button", { name: "Save" }).click();
    await page.getByText("CRM_TOKEN is saved.").waitFor();
    await dialog.waitFor({ state: "detached" });
    await page
      .getByRole("row", { name: /CRM_TOKEN api\.example\.com, crm\.example\.com:8443 Everybody/ })
      .waitFor();
    expect(await page.content()).not.toContain("a value to keep");
    expect(await findBarriers(page)).toEqual([]);

    await page.getByRole("button", { name: "Replace…" }).click();
    await dialog.getByRole("textbox", { name: "Value" }).fill("another value");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByText("No secrets yet").waitFor();
  });

  test("somebody who is no operator comes to the start page", async () => {
    await rowmill.client.signUp("bo");
    const page = await browser.open("/admin/queues", { user: "bo" });
    await page.getByRole("heading", { level: 1 }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/");
    expect(await page.getByText("Operate").count()).toBe(0);
  });
});

/** All pages with sample data: accessible in light and dark, with a title and a focused heading, and narrow enough for a phone. */
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { ACCOUNTS, PASSWORD, seedDatabase } from "../../src/demo/seed.ts";
import { hasBrowser } from "../support/browser.ts";
import { findBarriers, findWide, PHONE, useConsole } from "../support/console.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const browser = useConsole(rowmill);

beforeAll(() => seedDatabase(rowmill.ctx, true));

const OWN_PAGES = [
  "/",
  "/import",
  "/batches",
  "/library",
  "/records",
  "/files",
  "/tasks",
  "/tasks/new",
  "/workflows",
  "/schedules",
  "/webhooks",
  "/inbox",
  "/account",
];
const OPERATOR_PAGES = [
  "/admin",
  "/admin/queues",
  "/admin/workers",
  "/admin/batches",
  "/admin/tasks",
  "/admin/workflows",
  "/admin/schedules",
  "/admin/jobs",
  "/admin/reports",
  "/admin/outbox",
  "/admin/targets",
  "/admin/targets/new",
  "/admin/users",
  "/admin/audit",
  "/admin/backups",
  "/admin/secrets",
];

/** Waits for the title, which a page sets a moment after its heading is shown. */
function untilTitled(page: Page): Promise<unknown> {
  return until(
    "the title begins with the heading",
    () => page.evaluate<boolean>("document.title.startsWith(document.querySelector('h1').innerText)"),
    5000,
  );
}

describe.skipIf(!hasBrowser)("every page", () => {
  test.each([
    [ACCOUNTS.user, OWN_PAGES],
    [ACCOUNTS.admin, OPERATOR_PAGES],
  ])(
    "of %s has no barriers in light and dark, and fits on a phone",
    async (user, paths) => {
      const page = await browser.open("/sign-in", { user, password: PASSWORD });
      const found: Record<string, readonly string[]> = {};
      for (const path of paths) {
        await page.goto(path);
        await page.getByRole("heading", { level: 1 }).waitFor();
        await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
        const heading = page.getByRole("heading", { level: 1 });
        const problems = [
          ...((await heading.count()) === 1 ? [] : ["does not have one h1"]),
          ...(await untilTitled(page).then(
            () => [],
            (error: unknown) => [String(error)],
          )),
          ...(await findBarriers(page)),
        ];
        await page.emulateMedia({ colorScheme: "dark" });
        problems.push(...(await findBarriers(page)).map((barrier) => `dark: ${barrier}`));
        await page.setViewportSize(PHONE);
        problems.push(...(await findWide(page)));
        await page.emulateMedia({ colorScheme: "light" });
        await page.setViewportSize({ width: 1280, height: 800 });
        if (problems.length > 0) found[path] = problems;
      }
      expect(found).toEqual({});
    },
    300_000,
  );
});

/**
 * A slow machine behind a slow network. With `SLOW_CONSOLE=1`, the tests of the console run in it, which finds those that
 * depend on speed: they type into a page that is about to be replaced, or look once at something that comes a moment later.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { BrowserContext, Page, Route } from "playwright-core";

const CODE_MS = 700;
const MAX_ANSWER_MS = 400;
const CPU_SLOWDOWN = 4;

/** Code and styles come late. Answers come late by different times, so that they overtake each other. */
export async function slowDownNetwork(context: BrowserContext): Promise<void> {
  await context.route(/\/assets\//, (route) => after(CODE_MS, route));
  await context.route(/\/api\//, (route) => after(Math.random() * MAX_ANSWER_MS, route));
}

export async function slowDownScripts(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: CPU_SLOWDOWN });
}

async function after(ms: number, route: Route): Promise<void> {
  await sleep(ms);
  // The page may have cancelled the request.
  await route.continue().catch(() => undefined);
}

/** The console in a real browser. A violation of its Content-Security-Policy, an error of a script or on its console fails the test. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { buildIfStale } from "../../src/platform/console/build-console.ts";
import { CONSOLE_FOLDER } from "../../src/platform/console/folder.ts";
import { viteBuild } from "../../src/platform/console/run-vite.ts";
import { PASSWORD } from "./auth.ts";
import { hasBrowser, browser as program } from "./browser.ts";
import type { Rowmill } from "./rowmill.ts";
import { slowDownNetwork, slowDownScripts } from "./slow-console.ts";

/** Nothing takes so long unless it hangs, even if three browsers share two busy cores. */
const TIMEOUT_MS = 30_000;
/** On a busy machine, the API refuses requests for a moment, and the console repeats them. */
const BUSY = /503 \(Service Unavailable\)/;
const IS_SLOW = process.env.SLOW_CONSOLE !== undefined;
const AXE = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
/** Leads to the same API. Unlike 127.0.0.1, browsers do not trust it without TLS. */
export const LAN_HOST = "rowmill.test";
const FLAGS = [
  ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  `--host-resolver-rules=MAP ${LAN_HOST} 127.0.0.1`,
];
/** Runs in the page. */
const REPORT_VIOLATIONS = `document.addEventListener("securitypolicyviolation", (event) => {
  reportViolation("CSP: " + event.violatedDirective + " " + event.blockedURI + " " + event.sample);
});`;
export const PHONE = { width: 390, height: 844 };
const SCREENS = { desktop: { width: 1280, height: 800 }, phone: PHONE };

interface PageOptions {
  /** Signs this user in. */
  readonly user?: string;
  /** Default: the password of `auth.ts`. */
  readonly password?: string;
  readonly scheme?: "light" | "dark";
  readonly screen?: keyof typeof SCREENS;
}

export interface ConsoleBrowser {
  /** Opens a page with cookies of its own, until the end of the test. */
  open(path: string, options?: PageOptions): Promise<Page>;
  /** Forgets the problems so far that match, for a test that causes them. */
  expectProblems(pattern: RegExp): void;
}

/** Builds the console as `npm start` does. */
export async function buildConsole(): Promise<void> {
  const root = resolve(import.meta.dirname, "../..");
  const build = viteBuild(root, { PATH: process.env.PATH });
  if (!build) throw new Error("vite is not installed.");
  await buildIfStale({ root, folder: CONSOLE_FOLDER }, build);
}

/** One browser for all tests of the suite. */
export function useConsole(rowmill: Pick<Rowmill, "url">): ConsoleBrowser {
  let browser: Browser | undefined;
  let problems: string[] = [];
  const expected: RegExp[] = [];
  const contexts: AsyncDisposable[] = [];
  beforeAll(async () => {
    if (!hasBrowser) return;
    await buildConsole();
    const executablePath = program.includes("/") ? program : `/usr/bin/${program}`;
    browser = await chromium.launch({ executablePath, args: FLAGS, timeout: TIMEOUT_MS });
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context[Symbol.asyncDispose]()));
    const patterns = [BUSY, ...expected];
    const found = problems.filter((problem) => !patterns.some((pattern) => pattern.test(problem)));
    problems = [];
    expected.length = 0;
    expect(found).toEqual([]);
  });
  return {
    expectProblems: (pattern) => void expected.push(pattern),
    async open(path, { user, password = PASSWORD, scheme = "light", screen = "desktop" } = {}) {
      if (!browser) throw new Error("useConsole() has no browser before the hooks of its suite have run.");
      const options: BrowserContextOptions = {
        baseURL: rowmill.url,
        viewport: SCREENS[screen],
        colorScheme: scheme,
        locale: "en-GB",
        timezoneId: "Europe/Berlin",
        permissions: ["clipboard-read", "clipboard-write"],
        reducedMotion: "reduce",
      };
      const context = await browser.newContext(options);
      contexts.push(context);
      context.setDefaultTimeout(TIMEOUT_MS);
      if (user !== undefined) {
        const login = { headers: { origin: rowmill.url }, data: { username: user, password } };
        const answer = await context.request.post("/api/v1/auth/browser/login", login);
        if (!answer.ok()) throw new Error(`The login of ${user} answered ${answer.status()}.`);
      }
      await context.exposeFunction("reportViolation", (text: string) => void problems.push(text));
      await context.addInitScript({ content: REPORT_VIOLATIONS });
      context.on("console", (message) => {
        if (message.type() === "error") problems.push(`console: ${message.text()} ${message.location().url}`);
      });
      context.on("weberror", (error) =>
        problems.push(`script: ${error.error().stack ?? error.error().message}`),
      );
      if (IS_SLOW) await slowDownNetwork(context);
      const page = await context.newPage();
      if (IS_SLOW) await slowDownScripts(page);
      await page.goto(path);
      return page;
    },
  };
}

interface Finding {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

/** Returns the serious findings of axe on the page as it is now, one line each. */
export async function findBarriers(page: Page): Promise<string[]> {
  await settle(page);
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<{ violations: Finding[] }>(
    "axe.run(document, { resultTypes: ['violations'] })",
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) =>
      nodes.map(
        ({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary.replace(/\s+/g, " ")}`,
      ),
    );
}

/** Returns the elements that make the page wider than its window, so that a phone has to scroll sideways. */
export async function findWide(page: Page): Promise<string[]> {
  await settle(page);
  return page.evaluate<string[]>(`(() => {
    const { clientWidth, scrollWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll("main *")].filter((one) => one.getBoundingClientRect().right > clientWidth);
    return ["wider than the window: " + wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 160)).join(" | ")];
  })()`);
}

/** Waits until styles have moved to their end, so that axe sees their final colours. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(`new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
    .then(() => Promise.all(document.getAnimations().map(({ finished }) => finished.catch(() => 0))))`);
}

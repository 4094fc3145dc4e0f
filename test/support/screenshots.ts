/** Takes the pictures of the console in docs/guide/console, from the sample data of `npm run seed`: npm run screenshots */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium, type Page } from "playwright-core";
import sharp from "sharp";
import { createApp } from "../../src/app.ts";
import { loadConfig } from "../../src/config/config.ts";
import { ACCOUNTS, PASSWORD, seedDatabase } from "../../src/demo/seed.ts";
import { openContext } from "../../src/open-context.ts";
import { createLog } from "../../src/platform/log.ts";
import { browser as program } from "./browser.ts";
import { buildConsole } from "./console.ts";
import { ownServer } from "./own-server.ts";
import { Program } from "./processes.ts";

interface Picture {
  readonly name: string;
  readonly user: string;
  readonly path: string;
  /** Default: light. */
  readonly scheme?: "dark";
  /** Brings the page into the state to show. */
  readonly prepare?: (page: Page) => Promise<unknown>;
}

async function toImport(page: Page): Promise<void> {
  await page.getByRole("link", { name: "books.csv", exact: true }).first().click();
  await page.getByRole("heading", { name: "books.csv" }).waitFor();
}

/** A worker writes the numbers of a minute at its end. Rates need a whole one. */
const FIRST_MINUTE_MS = 130_000;

const PICTURES: readonly Picture[] = [
  { name: "home", user: ACCOUNTS.user, path: "/" },
  {
    name: "import",
    user: ACCOUNTS.user,
    path: "/batches?state=completed_with_errors",
    prepare: toImport,
  },
  {
    name: "failed-rows",
    user: ACCOUNTS.user,
    scheme: "dark",
    path: "/batches?state=completed_with_errors",
    async prepare(page) {
      await toImport(page);
      await page.getByRole("tab", { name: /Failed rows/ }).click();
      await page.getByRole("gridcell").first().waitFor();
    },
  },
  {
    name: "workflow",
    user: ACCOUNTS.user,
    path: "/workflows",
    async prepare(page) {
      await page.locator("tbody a").first().click();
      await page.getByRole("heading", { name: "Graph" }).waitFor();
    },
  },
  {
    name: "targets",
    user: ACCOUNTS.admin,
    path: "/admin/targets",
    async prepare(page) {
      const { href } = new URL("/api/v1/targets", page.url());
      await page.request.post(href, { data: CUSTOMERS, headers: { origin: new URL(href).origin } });
      await page.goto("/admin/targets/customers/edit?tab=columns");
      const buffer = Buffer.from(CUSTOMERS_CSV);
      await page
        .locator("input[type=file]")
        .setInputFiles({ name: "customers.csv", mimeType: "text/csv", buffer });
      await page.getByText("1 succeed, 2 fail").waitFor();
      await page.getByRole("button", { name: /^tier/ }).click();
      await page.evaluate("scrollTo(0, 480)");
    },
  },
  {
    name: "overview",
    user: ACCOUNTS.admin,
    path: "/admin?range=24h",
    prepare: (page) => page.locator("canvas").nth(1).waitFor(),
  },
];

/** A target for the sample file below, whose second row fails. */
const CUSTOMERS = {
  name: "customers",
  title: "Customers of the shop",
  destination: { type: "records" },
  locale: { decimal: ",", group: ".", date_order: "dmy" },
  columns: [
    {
      name: "external_id",
      label: "Customer no.",
      type: "text",
      required: true,
      transform: ["upper"],
      pattern: "^[A-Z]{2}[0-9]+$",
      pattern_message: "is two letters and digits, such as DE1042",
    },
    { name: "full_name", label: "Name", type: "text", required: true, transform: ["collapse_spaces"] },
    { name: "tier", type: "enum", values: [{ value: "gold", synonyms: ["G"] }, { value: "silver" }] },
    { name: "credit", type: "decimal", scale: 2, minimum: 0, currency: { symbols: ["€"] } },
    { name: "born", type: "date", formats: ["dd.MM.yyyy"] },
  ],
};
const CUSTOMERS_CSV = `Customer no.;Name;tier;credit;born
de1042;Ada Byron;G;1.250,50 €;10.12.1985
DE-77;Grace Hopper;silver;80;09.12.1906
fr9;Alan  Turing;platinum;-3;31.02.1912
`;

const target = resolve(import.meta.dirname, "../../docs/guide/console");
mkdirSync(target, { recursive: true });

await using resources = new AsyncDisposableStack();
const server = resources.use(await ownServer());
const config = loadConfig({
  DATABASE_URL: server.url,
  JWT_SECRET: "pictures".repeat(4),
  LOG_LEVEL: "silent",
});
const ctx = await openContext(config, createLog(config, "pictures"), "enqueue");
resources.defer(() => ctx.close(1000));
await seedDatabase(ctx, true);
const app = await createApp(ctx);
resources.defer(() => app.close());
const baseURL = await app.listen({ host: "127.0.0.1", port: 0 });
await buildConsole();
const browser = await chromium.launch({
  executablePath: program.includes("/") ? program : `/usr/bin/${program}`,
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars"],
});
resources.defer(() => browser.close());

for (const { name, user, path, scheme: colorScheme = "light", prepare } of PICTURES) {
  if (name === "overview") {
    resources.use(await Program.start("worker", server.url, { JWT_SECRET: "pictures".repeat(4) }));
    await sleep(FIRST_MINUTE_MS);
  }
  const viewport = { width: 1280, height: 800 };
  const context = await browser.newContext({ baseURL, viewport, colorScheme, locale: "en-GB" });
  const login = { headers: { origin: baseURL }, data: { username: user, password: PASSWORD } };
  await context.request.post("/api/v1/auth/browser/login", login);
  const page = await context.newPage();
  await page.goto(path);
  await page.getByRole("heading", { level: 1 }).waitFor();
  await prepare?.(page);
  await page.locator("[aria-busy=true]").first().waitFor({ state: "detached" });
  // A picture shows no mouse over a row.
  await page.mouse.move(0, 0);
  await sharp(await page.screenshot())
    .png({ palette: true, colours: 128 })
    .toFile(join(target, `${name}.png`));
  await context.close();
}

/** Defining targets in the console, and importing into them. */
import type { Page } from "playwright-core";
import { afterEach, describe, expect, test } from "vitest";
import { hasBrowser } from "../../support/browser.ts";
import { findBarriers, findWide, useConsole } from "../../support/console.ts";
import { useStore } from "../../support/store.ts";
import { until } from "../../support/until.ts";

const { rowmill, admin, query } = useStore({ worker: true });
const browser = useConsole(rowmill);

const RECORDS = { destination: { type: "records" }, columns: [{ name: "title", type: "text" }] };

function choose(page: Page, name: string, content: string) {
  const file = { name, mimeType: "text/csv", buffer: Buffer.from(content) };
  return page.locator("input[type=file]").setInputFiles(file);
}

async function next(page: Page, heading: string): Promise<void> {
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: heading }).waitFor();
}

async function define(name: string, definition: object): Promise<void> {
  const { status, body } = await admin.post("/api/v1/targets", { name, ...definition });
  expect(status, JSON.stringify(body)).toBe(201);
}

describe.skipIf(!hasBrowser)("targets in the console", () => {
  afterEach(() => query("DELETE FROM store.customers"));

  test("one is made from a table, edited, saved, and used by an import with another locale", async () => {
    browser.expectProblems(/400 \(Bad Request\)/);
    const page = await browser.open("/admin/targets", { user: "root" });
    await page.getByRole("cell", { name: "Built in" }).first().waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("link", { name: "New target" }).click();
    await page.getByRole("textbox", { name: "Table" }).fill("store.nothing");
    await page.getByRole("button", { name: "Propose a definition" }).click();
    await page.getByText(/nothing/).waitFor();
    await page.getByRole("textbox", { name: "Table" }).fill("store.customers");
    await page.getByRole("button", { name: "Propose a definition" }).click();
    expect(await page.getByRole("textbox", { name: "Name", exact: true }).inputValue()).toBe("customers");
    await page.getByLabel("Title").fill("Customers of the shop");
    const key = page.getByRole("combobox", { name: "Columns that identify a record" });
    await key.press("Backspace");
    await key.fill("external_id");
    await key.press("Enter");
    await key.press("Tab");
    expect(await findBarriers(page)).toEqual([]);

    await page.getByRole("tab", { name: "Columns" }).click();
    await page.getByRole("button", { name: /^email/ }).click();
    await page.getByLabel("Required").setChecked(false);
    await page.getByRole("button", { name: /^full_name/ }).click();
    await page.getByLabel("Label").fill("Full name");
    await page.getByLabel("Pattern", { exact: true }).fill("[A-Z");
    await page
      .getByRole("alert")
      .getByText(/full_name.*pattern/)
      .waitFor();
    await page.getByLabel("Pattern", { exact: true }).and(page.locator("[aria-invalid=true]")).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByLabel("Pattern", { exact: true }).fill("^[A-Z]");
    await page.getByText("has problems").waitFor({ state: "detached" });
    await page.getByRole("alert").waitFor({ state: "detached" });

    await choose(page, "customers.csv", "external_id,full name,credit\nDE1,Ada,1.5\nDE2,bo,2\n");
    await page.getByText("1 succeed, 1 fail").waitFor();
    await page
      .getByRole("row", { name: /^3 Failed/ })
      .getByText('"bo" does not match')
      .waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Keep the first 2 rows as examples" }).click();

    await page.getByRole("tab", { name: "JSON" }).click();
    const json = page.getByLabel("Definition as JSON");
    expect(JSON.parse(await json.inputValue())).toMatchObject({
      title: "Customers of the shop",
      example_rows: [{ external_id: "DE1", full_name: "Ada" }, {}],
    });
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("customers is saved as version 1.").waitFor();
    await page.getByRole("heading", { name: "Customers of the shop" }).waitFor();
    expect(await query("SELECT external_id FROM store.customers")).toEqual([]);

    await page.getByRole("link", { name: "Import a file" }).last().click();
    await page.getByRole("radio", { name: "Customers of the shop" }).waitFor();
    await choose(page, "german.csv", "external_id;full_name;credit\nDE3;Cy;1.250,5\n");
    await next(page, "Does this look right?");
    await next(page, "Which column goes where?");
    await page.getByRole("row", { name: /^credit Decimal number/ }).waitFor();
    await page.getByRole("row", { name: /^tier.*gold, silver/ }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await next(page, "How should it run?");
    await page.getByRole("button", { name: "Numbers and dates of this file" }).click();
    await page.getByLabel("Decimal character").selectOption(",");
    await page.getByLabel("Character between thousands").selectOption(".");
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Start the import" }).click();
    await page.getByText("into customers, version 1").waitFor();
    await until("the row is written", async () => {
      const [row] = await query<{ credit: string }>("SELECT credit::text FROM store.customers");
      return row?.credit === "1250.50";
    });
    await page.getByRole("tab", { name: "All rows" }).click();
    await page.getByRole("gridcell", { name: "DE3" }).waitFor();
    const { pathname } = new URL(page.url());
    await page.goto(`${pathname}?tab=rows&row=2`);
    await page.getByText(/external_id DE3/).waitFor();
  });

  test("one is proposed from a sample file, with the SQL of its table", async () => {
    browser.expectProblems(/400 \(Bad Request\)/);
    const page = await browser.open("/admin/targets/new", { user: "root", scheme: "dark", screen: "phone" });
    await page.getByText("A sample file").click();
    await choose(page, "Visits 2026.csv", `Visit No,Seen on,Done\n1,03/04/2026,yes\n2,05/06/2026,no\n`);
    await page.getByLabel("Type of seen_on").waitFor();
    expect(await page.getByLabel("Type of visit_no").inputValue()).toBe("integer");
    expect(await page.getByLabel("Type of seen_on").inputValue()).toBe("date");
    expect(await page.getByLabel("Type of done").inputValue()).toBe("boolean");
    await page.getByText("These dates fit day first and month first.").waitFor();
    await page.getByLabel("Destination").selectOption("table");
    await page.getByText('CREATE TABLE "public"."visits_2026"').waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findWide(page)).toEqual([]);
    await page.getByLabel("Type of done").selectOption("text");
    await page.getByLabel("Destination").selectOption("records");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByText("2 succeed, 0 fail").waitFor();
    await page.getByText("seen_on (03/04/2026 is read as 2026-04-03)").waitFor();
    for (const tab of ["Target", "Columns", "Rules and access", "JSON"]) {
      await page.getByRole("tab", { name: tab }).click();
      expect(await findBarriers(page), tab).toEqual([]);
      expect(await findWide(page), tab).toEqual([]);
    }
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("visits_2026 is saved as version 1.").waitFor();
  });

  test("the form and the JSON show the same, and wrong JSON says where", async () => {
    browser.expectProblems(/400 \(Bad Request\)/);
    const secret = { value: "whsec_".padEnd(50, "A"), hosts: ["example.com"] };
    const { status } = await admin.put("/api/v1/admin/secrets/SHOP_SIGNING", secret);
    expect(status).toBeLessThan(300);
    const page = await browser.open("/admin/targets/new", { user: "root" });
    await page.getByText("JSON", { exact: true }).click();
    const text = JSON.stringify({ name: "notes", ...RECORDS });
    await page.getByLabel("Definition").fill(text.slice(0, -1));
    await page.getByText(`This is not JSON: line 1, column ${text.length}.`).waitFor();
    await page.getByLabel("Definition").fill(text);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("tab", { name: "Columns" }).click();
    await page.getByRole("button", { name: "Add a column" }).click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("pages");
    await page.getByLabel("Type", { exact: true }).selectOption("integer");
    await page.getByLabel("Minimum").fill("1");
    await page.getByRole("button", { name: "Move up" }).click();
    await page.getByRole("tab", { name: "JSON" }).click();
    const json = page.getByLabel("Definition as JSON");
    const made = JSON.parse(await json.inputValue());
    expect(made.columns).toEqual([{ name: "pages", type: "integer", minimum: 1 }, ...RECORDS.columns]);
    await json.fill('{\n  "destination" {}\n}');
    await page.getByText("This is not JSON: line 2, column 17.").waitFor();
    expect(await page.getByRole("tab", { name: "Columns" }).isDisabled()).toBe(true);
    expect(await page.getByRole("button", { name: "Save", exact: true }).isDisabled()).toBe(true);
    await page.getByRole("button", { name: "Discard this text" }).click();
    expect(JSON.parse(await json.inputValue())).toEqual(made);
    await json.fill(
      JSON.stringify({ ...made, title: "Notes", rules: [{ name: "x", message: "y", require: 5 }] }),
    );
    await page.getByRole("alert").getByText("Rule 1 (x), require").waitFor();
    await json.fill(JSON.stringify({ ...made, title: "Notes" }));
    await page.getByRole("alert").waitFor({ state: "detached" });
    await page.getByRole("tab", { name: "Target" }).click();
    expect(await page.getByLabel("Title").inputValue()).toBe("Notes");
    await page.getByRole("combobox", { name: "Destination" }).selectOption("http");
    await page.getByRole("textbox", { name: "URL", exact: true }).fill("ftp://example.com");
    await page.getByRole("button", { name: "destination.url" }).waitFor();
    await page.getByRole("combobox", { name: "Secret for signatures" }).click();
    await page.getByRole("option", { name: "SHOP_SIGNING" }).click();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("combobox", { name: "Destination" }).selectOption("records");
    await page.getByRole("alert").waitFor({ state: "detached" });

    let question = "";
    page.once("dialog", (dialog) => {
      question = dialog.message();
      void dialog.dismiss();
    });
    await page.getByRole("link", { name: "Users" }).click();
    await until("the console asks", async () => question !== "");
    await page.getByRole("heading", { name: "New target" }).waitFor();
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("notes is saved as version 1.").waitFor();
  });

  test("a change by somebody else is not overwritten unseen, old versions are read-only, and deletion asks", async () => {
    browser.expectProblems(/409 \(Conflict\)/);
    await define("shared", { title: "Shared", ...RECORDS });
    const page = await browser.open("/admin/targets/shared/edit", { user: "root" });
    await page.getByLabel("Title").fill("Mine");
    const put = await admin.put("/api/v1/targets/shared", { ...RECORDS, title: "Theirs", version: 1 });
    expect(put.status).toBe(200);
    await page.getByRole("button", { name: "Save as version 2" }).click();
    await page.getByText("Version 2 was saved by root while you were editing.").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await page.getByLabel("Title").inputValue()).toBe("Mine");
    await page.getByRole("button", { name: "Load the new version" }).click();
    expect(await page.getByLabel("Title").inputValue()).toBe("Theirs");
    await page.getByLabel("Title").fill("Both");
    await page.getByRole("button", { name: "Save as version 3" }).click();
    await page.getByText("shared is saved as version 3.").waitFor();

    await page.getByLabel("Version").selectOption("1");
    await page.getByText("This is version 1. It cannot be changed.").waitFor();
    expect(await page.getByLabel("Title").inputValue()).toBe("Shared");
    expect(await page.getByLabel("Title").isDisabled()).toBe(true);
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Show the current version" }).click();
    await page.getByRole("button", { name: "Delete…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("shared is deleted.").waitFor();
    await page.getByRole("heading", { name: "Targets", exact: true }).waitFor();
    await page.getByRole("cell", { name: "Built in" }).first().waitFor();
    expect(await page.getByRole("link", { name: "Both" }).count()).toBe(0);
  });

  test("operators and users have no such page", async () => {
    const { newAdmin } = await import("../../support/admin.ts");
    await newAdmin(rowmill, "olga", "operator");
    const page = await browser.open("/admin/targets", { user: "olga" });
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    expect(await page.getByRole("link", { name: "Targets" }).count()).toBe(0);
  });
});

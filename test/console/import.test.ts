/** Importing a file in the console. */
import { describe, expect, test } from "vitest";
import { PASSWORD } from "../support/auth.ts";
import { hasBrowser } from "../support/browser.ts";
import { findBarriers, findWide, useConsole } from "../support/console.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";
import { workbook } from "../support/workbooks.ts";

const rowmill = useRowmill({ worker: true, settings: { UPLOAD_MAX_COLUMNS: "5" } });
const browser = useConsole(rowmill);

type Page = Awaited<ReturnType<typeof browser.open>>;

/** `Название;Кто;Год`, `Война и мир;Лев Толстой;1869`, `Идиот;Ф. Достоевский;1868` in Windows-1251. */
const CYRILLIC = Buffer.from(
  "zeDn4uDt6OU7yvLuO8Pu5ArC7unt4CDoIOzo8DvL5eIg0u7r8fLu6TsxODY5Csjk6O7yO9QuIMTu8fLu5eLx6ujpOzE4NjgK",
  "base64",
);

function choose(page: Page, name: string, content: string | Buffer) {
  const buffer = Buffer.from(content);
  return page.locator("input[type=file]").setInputFiles({ name, mimeType: "text/csv", buffer });
}

async function next(page: Page, heading: string): Promise<void> {
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("heading", { name: heading }).waitFor();
}

/** @returns the batch that the page has opened, when it has ended */
async function endedBatch(page: Page, user: { get: (typeof rowmill.client)["get"] }) {
  await page.waitForURL(/\/batches\/[0-9a-f-]{36}$/);
  const id = page.url().split("/").at(-1) ?? "";
  return until("the batch ends", async () => {
    const { body } = await user.get<{ id: string; state: string }>(`/api/v1/batches/${id}`);
    return ["completed", "completed_with_errors", "failed", "validated"].includes(body.state) && body;
  });
}

describe.skipIf(!hasBrowser)("an import in the console", () => {
  test("a file in an old encoding is shown right, mapped by hand, and imported right", async () => {
    const ada = await rowmill.client.signUp("ada");
    const page = await browser.open("/import", { user: "ada" });
    await choose(page, "книги.csv", CYRILLIC);
    await next(page, "Does this look right?");
    await page.getByRole("cell", { name: "Война и мир" }).waitFor();
    expect(await page.getByLabel("Encoding").textContent()).toContain("Auto: Windows-1251");
    await page.getByLabel("Encoding").selectOption("koi8-r");
    await page.getByRole("cell", { name: "бНИМЮ Х ЛХП" }).waitFor();
    await page.getByLabel("Encoding").selectOption("windows-1251");
    await page.getByRole("columnheader", { name: "Название" }).waitFor();
    expect(await findBarriers(page)).toEqual([]);

    await next(page, "Which column goes where?");
    await page.getByText("The file has no column for title and author.").waitFor();
    expect(await page.getByRole("button", { name: "Continue" }).isDisabled()).toBe(true);
    for (const [column, name] of [
      ["title", "Название"],
      ["author", "Кто"],
    ] as const) {
      await page.getByRole("combobox", { name: `Column of the file for ${column}` }).click();
      await page.getByRole("option", { name }).click();
    }
    expect(await page.getByRole("row", { name: /^title/ }).textContent()).toContain("Идиот");
    expect(await findBarriers(page)).toEqual([]);
    await next(page, "How should it run?");
    await page.getByLabel("Update it").check();
    expect(await findBarriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Start the import" }).click();

    expect(await endedBatch(page, ada)).toMatchObject({
      state: "completed",
      mode: "upsert",
      filename: "книги.csv",
      dialect: { encoding: "windows-1251", delimiter: ";" },
    });
    const { body } = await ada.get<{ items: object[] }>("/api/v1/books?sort=title");
    expect(body.items).toMatchObject([
      { title: "Война и мир", author: "Лев Толстой" },
      { title: "Идиот", author: "Ф. Достоевский" },
    ]);

    // The mapping and the options are proposed again for a file with these columns.
    await page.goto("/import?target=books");
    await choose(page, "more.csv", CYRILLIC);
    await next(page, "Does this look right?");
    await next(page, "Which column goes where?");
    await page.getByText("As last time").first().waitFor();
    await next(page, "How should it run?");
    expect(await page.getByLabel("Update it").isChecked()).toBe(true);
  });

  test("the keyboard alone leads from the sign-in to a finished import", async () => {
    browser.expectProblems(/401 \(Unauthorized\)/);
    const bo = await rowmill.client.signUp("bo");
    const page = await browser.open("/import?target=records");
    const { keyboard } = page;
    const buffer = Buffer.from("name,age\nAda,36\nBo,41\n");
    page.on("filechooser", (chooser) => {
      void chooser.setFiles({ name: "people.csv", mimeType: "text/csv", buffer });
    });
    await page.getByLabel("Username").waitFor();
    await keyboard.type("bo");
    await keyboard.press("Tab");
    await keyboard.type(PASSWORD);
    await keyboard.press("Enter");
    await page.getByRole("heading", { name: "Import a file" }).waitFor();
    const tabTo = async (name: string) => {
      // A button that does nothing yet does not get the focus.
      await page.getByRole("button", { name, exact: true, disabled: false }).waitFor();
      for (let presses = 0; presses < 60; presses++) {
        await keyboard.press("Tab");
        const focused = await page.evaluate<string>(
          "document.activeElement.textContent || document.activeElement.ariaLabel || ''",
        );
        if (focused === name) return;
      }
      throw new Error(`Tab never reaches ${name}.`);
    };
    await tabTo("Choose a file");
    await keyboard.press("Enter");
    await page.getByText("people.csv").first().waitFor();
    for (const heading of ["Does this look right?", "Which column goes where?", "How should it run?"]) {
      await tabTo("Continue");
      await keyboard.press("Enter");
      await page.getByRole("heading", { name: heading }).waitFor();
      await until("the heading has the focus", async () =>
        page.evaluate<boolean>(`document.activeElement.textContent === ${JSON.stringify(heading)}`),
      );
    }
    await tabTo("Start the import");
    await keyboard.press("Enter");
    expect(await endedBatch(page, bo)).toMatchObject({ state: "completed", target: "records" });
  });

  test("a refused upload keeps the choices, and a file that is imported already says so", async () => {
    browser.expectProblems(/413 \(/);
    const cy = await rowmill.client.signUp("cy");
    const page = await browser.open("/import?target=books", { user: "cy", screen: "phone" });
    await choose(page, "books.xls", Buffer.from("d0cf11e0a1b11ae1", "hex"));
    await page.getByText("This is a workbook that Rowmill cannot read").waitFor();
    await choose(page, "books.xlsx", Buffer.from("504b030414000600", "hex"));
    await page.getByText("is a damaged workbook").waitFor();
    await choose(page, "wide.csv", "title,author,a,b,c,d\nEmma,Jane Austen,1,2,3,4\n");
    await next(page, "Does this look right?");
    expect(await findWide(page)).toEqual([]);
    await next(page, "Which column goes where?");
    expect(await findWide(page)).toEqual([]);
    await next(page, "How should it run?");
    await page.getByLabel("Keep it").check();
    await page.getByLabel("Stop after errors").fill("5%");
    await page.getByRole("button", { name: "Start the import" }).click();
    await page.getByText("At most 5 are allowed (UPLOAD_MAX_COLUMNS)").waitFor();
    expect(await findWide(page)).toEqual([]);
    expect(await findBarriers(page)).toEqual([]);
    expect(await page.getByLabel("Keep it").isChecked()).toBe(true);

    const again = async () => {
      await page.getByRole("button", { name: "File", exact: true }).click();
      await choose(page, "narrow.csv", "title,author\nEmma,Jane Austen\n");
      await next(page, "Does this look right?");
      await next(page, "Which column goes where?");
      await next(page, "How should it run?");
    };
    await again();
    expect(await page.getByLabel("Stop after errors").inputValue()).toBe("5%");
    await page.getByRole("button", { name: "Start the import" }).click();
    const first = await endedBatch(page, cy);
    expect(first).toMatchObject({ state: "completed", mode: "skip_existing", max_errors: "5%" });

    await page.goto("/import");
    await again();
    await page.getByRole("button", { name: "Start the import" }).click();
    await page.getByText("This file is imported already").waitFor();
    await page.getByRole("button", { name: "Import it again" }).click();
    expect((await endedBatch(page, cy)).id).not.toBe(first.id);
  });

  test("a sheet of a workbook is chosen, shown as the server reads it, and imported", async () => {
    const eve = await rowmill.client.signUp("eve");
    const page = await browser.open("/import?target=books", { user: "eve" });
    const rows = [
      ["title", "author"],
      ["Emma", "Jane Austen"],
    ];
    const file = workbook({
      sheets: [
        { name: "Readme", rows: [["Nothing here"], ["at all"]] },
        { name: "Bücher", rows },
      ],
    });
    await choose(page, "books.xlsx", file);
    await next(page, "Does this look right?");
    await page.getByRole("cell", { name: "at all" }).waitFor();
    expect(await page.getByLabel("Encoding").count()).toBe(0);
    await page.getByLabel("Sheet").selectOption("Bücher");
    await page.getByRole("cell", { name: "Jane Austen" }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    await next(page, "Which column goes where?");
    await next(page, "How should it run?");
    await page.getByRole("button", { name: "Start the import" }).click();
    expect(await endedBatch(page, eve)).toMatchObject({
      state: "completed",
      dialect: { format: "xlsx", sheet: "Bücher" },
    });
  });

  test("a file of 300 MB takes no memory of the page", async () => {
    await rowmill.client.signUp("di");
    const page = await browser.open("/import?target=records", { user: "di", scheme: "dark" });
    await page.getByRole("button", { name: "Choose a file" }).waitFor();
    await page.evaluate(`{
      const part = new Blob(["1,2,3".padEnd(1023, " ") + "\\n"].map((line) => line.repeat(1024)));
      const transfer = new DataTransfer();
      transfer.items.add(new File(["a,b,c\\n", ...Array(300).fill(part)], "large.csv"));
      const input = document.querySelector("input[type=file]");
      input.files = transfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    }`);
    await page.getByText("314.6 MB", { exact: true }).waitFor();
    await next(page, "Does this look right?");
    await page.getByText("First 200 rows, 3 columns.").waitFor();
    expect(await findBarriers(page)).toEqual([]);
    const session = await page.context().newCDPSession(page);
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    expect(usedSize).toBeLessThan(64 * 2 ** 20);
  });
});

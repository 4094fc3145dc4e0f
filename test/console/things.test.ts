/** The pages of the account, of books, files, notifications and webhooks. */
import type { Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { AUTH, authOf, PASSWORD } from "../support/auth.ts";
import { hasBrowser } from "../support/browser.ts";
import { findBarriers, findWide, useConsole } from "../support/console.ts";
import { MailServer } from "../support/mail-server.ts";
import { picture } from "../support/pictures.ts";
import { RECEIVER_SETTINGS, Receiver } from "../support/receiver.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const mails = await new MailServer().start();
afterAll(() => mails[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: { ...mails.settings, ...RECEIVER_SETTINGS }, worker: true });
const browser = useConsole(rowmill);
const { logIn, meWith } = authOf(rowmill);

const CSV = "title,author\nFrankenstein,Mary Shelley\n";
const NEW_PASSWORD = "a much better horse";

const button = (page: Page, name: string) => page.getByRole("button", { name, exact: true });
const field = (page: Page, name: string) => page.getByRole("textbox", { name, exact: true });

async function expectGood(page: Page): Promise<void> {
  expect(await findBarriers(page)).toEqual([]);
  expect(await findWide(page)).toEqual([]);
}

describe.skipIf(!hasBrowser)("the console", () => {
  test("a book with a picture is added, found, edited and deleted", async () => {
    await rowmill.client.signUp("mary");
    const page = await browser.open("/library", { user: "mary", screen: "phone", scheme: "dark" });
    await page.getByText("No books yet").waitFor();
    await button(page, "Add a book").first().click();
    await field(page, "Author").fill("Mary Shelley");
    browser.expectProblems(/400 \(Bad Request\)/);
    await page.getByRole("dialog").getByRole("button", { name: "Add a book" }).click();
    await field(page, "Title").and(page.locator("[aria-invalid=true]")).waitFor();
    await field(page, "Title").fill("Frankenstein");
    const file = { name: "cover.jpg", mimeType: "image/jpeg", buffer: await picture() };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByAltText("The chosen picture").waitFor();
    await page.getByRole("dialog").getByRole("button", { name: "Add a book" }).click();

    const shown = page.getByAltText("Picture of Frankenstein");
    await shown.waitFor();
    await until("the picture is shown", () =>
      page.evaluate<boolean>("document.querySelector('article img').naturalWidth > 0"),
    );
    await expectGood(page);
    await page.getByRole("searchbox").fill("nobody");
    await page.getByText("No book has these words").waitFor();
    await page.getByRole("searchbox").fill("shelley");
    await page.getByRole("link", { name: "Frankenstein" }).click();
    await field(page, "Title").fill("Frankenstein; or, The Modern Prometheus");
    await button(page, "Remove").click();
    await button(page, "Save").click();
    await page.getByRole("link", { name: "Frankenstein; or, The Modern Prometheus" }).waitFor();
    expect(await page.getByAltText(/^Picture of/).count()).toBe(0);

    await page.getByRole("button", { name: /^Actions for Frankenstein/ }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await button(page, "Delete").click();
    await page.getByText("No book has these words").waitFor();
  });

  test("another session is ended, and a new password ends the rest", async () => {
    const first = await rowmill.client.signUp("ada");
    const page = await browser.open("/account?section=sessions", { user: "ada" });
    await page.getByText("This one").waitFor();
    await expectGood(page);
    await button(page, "End").click();
    await page.getByRole("dialog").getByRole("button", { name: "End" }).click();
    await page.getByText("1 loaded").waitFor();
    expect((await meWith(first.token)).status).toBe(401);

    const { body: second } = await logIn("ada");
    await page.getByRole("tab", { name: "Password" }).click();
    await field(page, "Current password").fill("wrong");
    await field(page, "New password").fill(NEW_PASSWORD);
    browser.expectProblems(/400 \(Bad Request\)/);
    await button(page, "Change the password").click();
    await page.getByText("is wrong.").waitFor();
    await field(page, "Current password").fill(PASSWORD);
    await button(page, "Change the password").click();
    await page.getByText("Your password is changed").waitFor();
    expect((await meWith(second.access)).status).toBe(401);
    await page.getByRole("tab", { name: "Sessions" }).click();
    await page.getByText("1 loaded").waitFor();
    expect((await logIn("ada", NEW_PASSWORD)).status).toBe(200);
  });

  test("an API token is shown once, works, and stops when it is revoked", async () => {
    await rowmill.client.signUp("bo");
    const page = await browser.open("/account?section=tokens", { user: "bo" });
    await button(page, "Create a token").click();
    await field(page, "Name").fill("nightly import");
    await page.getByRole("dialog").getByRole("button", { name: "Create a token" }).click();
    const token = await field(page, "Token").inputValue();
    await page.getByRole("button", { name: "Copy: Token" }).click();
    await button(page, "Copied").waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(token);
    await expectGood(page);
    await button(page, "I have stored it").click();
    await page.getByRole("cell", { name: /nightly import/ }).waitFor();
    expect(await page.content()).not.toContain(token);
    expect((await meWith(token)).status).toBe(200);
    await button(page, "Revoke").click();
    await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("No API tokens").waitFor();
    expect((await meWith(token)).status).toBe(401);
  });

  test("a forgotten password is replaced with the link of a mail", async () => {
    const email = "cy@console.test";
    await rowmill.client.post(`${AUTH}/signup`, { username: "cy", password: PASSWORD, email });
    browser.expectProblems(/401 \(Unauthorized\)/);
    const page = await browser.open("/sign-in", { screen: "phone" });
    await page.getByRole("link", { name: "Forgot your password?" }).click();
    await field(page, "Username or e-mail address").fill(email);
    await button(page, "Send the link").click();
    await page.getByRole("heading", { name: "Look into your mail" }).waitFor();
    await expectGood(page);
    const link = await until("the link arrives", async () => {
      const text = mails.mailsTo(email).map(({ content }) => content.replace(/=\r\n/g, ""));
      return /reset-password#[\w-]{43}/.exec(text.join())?.[0] ?? null;
    });
    await page.goto(`/${link}`);
    await page.getByLabel("New password").fill(NEW_PASSWORD);
    await button(page, "Set the password").click();
    await page.getByRole("link", { name: "Sign in" }).click();
    await field(page, "Username").fill("cy");
    await field(page, "Password").fill(NEW_PASSWORD);
    await button(page, "Sign in").click();
    await page.getByRole("button", { name: "Signed in as cy" }).waitFor();
  });

  test("a webhook is added, and a delivery that failed is sent again", async () => {
    const user = await rowmill.client.signUp("di");
    await using receiver = await Receiver.start((response) =>
      response.writeHead(500, { "webhook-delivery": "abort-message" }).end("the warehouse is closed"),
    );
    const page = await browser.open("/webhooks", { user: "di" });
    await button(page, "Add a webhook").click();
    await field(page, "Address").fill(receiver.url);
    await page.getByRole("dialog").getByRole("button", { name: "Add a webhook" }).click();
    expect(await field(page, "Secret of the signatures").inputValue()).toMatch(/^whsec_/);
    await button(page, "I have stored it").click();
    await page.getByText("No deliveries yet").waitFor();

    await user.upload(CSV);
    await page.getByRole("cell").getByText("Failed", { exact: true }).waitFor();
    await expectGood(page);
    await page.getByRole("link", { name: "Import finished" }).click();
    await page.getByText("the warehouse is closed").waitFor();
    receiver.answer = (response) => response.end("ok");
    await button(page, "Send again").click();
    await page.getByRole("dialog").getByText("Delivered").waitFor();
    const [first, second] = await receiver.received(2);
    expect(second?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  });

  test("a notification leads to its import, a file is uploaded and deleted", async () => {
    const user = await rowmill.client.signUp("ed");
    const { body: batch } = await user.upload(CSV);
    const page = await browser.open("/inbox", { user: "ed", screen: "phone" });
    const link = page.getByRole("link", { name: /has completed/ });
    await link.waitFor();
    expect(await link.getAttribute("href")).toBe(`/batches/${batch.id}`);
    await page.getByRole("link", { name: "Notifications: 1 unread" }).waitFor();
    await expectGood(page);
    await button(page, "Mark all as read").click();
    await page.getByRole("img", { name: "Unread" }).waitFor({ state: "detached" });

    await page.goto("/files");
    await page.getByText("No files yet").waitFor();
    const file = { name: "photo.jpg", mimeType: "image/jpeg", buffer: await picture() };
    await page.locator("input[type=file]").setInputFiles(file);
    await page.getByRole("link", { name: "photo.jpg" }).click();
    await page.getByAltText("photo.jpg").waitFor();
    await expectGood(page);
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page
      .getByRole("dialog", { name: "Delete photo.jpg?" })
      .getByRole("button", { name: "Delete" })
      .click();
    await page.getByText("No files yet").waitFor();
  });
});

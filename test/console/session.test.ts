/** Signing up and in, and the frame of the console. */
import { describe, expect, test } from "vitest";
import { hasBrowser } from "../support/browser.ts";
import { findBarriers, findWide, LAN_HOST, useConsole } from "../support/console.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const browser = useConsole(rowmill);

describe.skipIf(!hasBrowser)("the console", () => {
  test("a visitor signs up, signs out, and signs in again where they wanted to go", async () => {
    browser.expectProblems(/401 \(Unauthorized\)/);
    const page = await browser.open("/records");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByRole("link", { name: "Create an account" }).click();
    // Until the code of the page has arrived, the sign-in is still there, with fields of the same names.
    await page.getByRole("heading", { name: "Create an account" }).waitFor();
    await page.getByLabel("Username").fill("ada");
    await page.getByRole("textbox", { name: "Password" }).fill("correct horse");
    await page.getByRole("button", { name: "Create an account" }).click();
    await page.getByRole("heading", { name: "Records", exact: true }).waitFor();
    await until("the page has its title", async () => (await page.title()) === "Records · Rowmill");
    // No script can read a token.
    expect(
      await page.evaluate("document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })"),
    ).not.toContain("eyJ");

    await page.getByRole("button", { name: "Signed in as ada" }).click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await page.getByLabel("Username").fill("ada");
    await page.getByRole("textbox", { name: "Password" }).fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("alert").getByText("Wrong username or password.").waitFor();
    await page.getByRole("textbox", { name: "Password" }).fill("correct horse");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Home" }).waitFor();
  });

  test.each(["light", "dark"] as const)("the sign-in has no barriers in %s", async (scheme) => {
    browser.expectProblems(/401 \(Unauthorized\)/);
    const page = await browser.open("/", { scheme, screen: "phone" });
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    expect(await findBarriers(page)).toEqual([]);
    expect(await findWide(page)).toEqual([]);
  });

  test("the first page downloads 200 kB at most", async () => {
    browser.expectProblems(/401 \(Unauthorized\)/);
    const page = await browser.open("about:blank");
    const sizes: Promise<number>[] = [];
    page.on("requestfinished", (request) => {
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
    });
    await page.goto("/");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(200_000);
  });

  test("pages work in a local network without TLS, where browsers have fewer functions", async () => {
    browser.expectProblems(/401 \(Unauthorized\)|Cross-Origin-Opener-Policy header has been ignored/);
    await rowmill.client.signUp("lena");
    const page = await browser.open("about:blank");
    await page.goto(`http://${LAN_HOST}:${new URL(rowmill.url).port}/tasks/new`);
    expect(await page.evaluate("isSecureContext")).toBe(false);
    await page.getByLabel("Username").fill("lena");
    await page.getByRole("textbox", { name: "Password" }).fill("correct horse");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "New task" }).waitFor();
  });

  test("an unknown page says so", async () => {
    await rowmill.client.signUp("bo");
    browser.expectProblems(/404 \(Not Found\)/);
    const page = await browser.open("/nothing/here", { user: "bo" });
    await page.getByText("Page not found").waitFor();
  });
});

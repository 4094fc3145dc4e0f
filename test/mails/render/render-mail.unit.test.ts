import { describe, expect, test } from "vitest";
import { mailKinds } from "../../../src/mails/kinds/all.ts";
import { renderMail } from "../../../src/mails/render/render-mail.ts";
import { hostileMails, sampleConfig, sampleMails } from "../../support/sample-mails.ts";

/** Gmail cuts a mail off at 102 kB. */
const MAX_BYTES = 100_000;

test("there is a sample of each kind", () => {
  expect(sampleMails.map(({ kind }) => kind)).toEqual(mailKinds);
});

describe.each(sampleMails.map((mail) => [mail.kind, mail] as const))("the mail %s", (kind, mail) => {
  const { html, text, subject, headers } = renderMail(sampleConfig, mail);

  test("looks as before in both parts", async () => {
    await expect(html).toMatchFileSnapshot(`../../fixtures/mails/${kind}.html`);
    await expect(`Subject: ${subject}\n\n${text}`).toMatchFileSnapshot(`../../fixtures/mails/${kind}.txt`);
  });

  test("loads nothing", () => {
    expect(html).not.toMatch(/<(img|link|script|iframe|object|form)\b|@import|url\(/i);
  });

  test("can be unsubscribed with one click, unless it is about the security of the account or an alert", () => {
    const isForced = ["password_reset", "confirm_email", "admin_alert"].includes(kind);
    expect(headers["List-Unsubscribe-Post"]).toBe(isForced ? undefined : "List-Unsubscribe=One-Click");
    expect(text.includes("Unsubscribe: https://")).toBe(!isForced);
  });
});

describe.each(hostileMails.map((mail) => [mail.kind, mail] as const))(
  "hostile data in the mail %s",
  (_, mail) => {
    const { html, text, subject, to } = renderMail(sampleConfig, mail);

    test("stays text", () => {
      const tags = new Set(html.match(/<\w+/g));
      expect([...tags].filter((tag) => !TAGS.has(tag))).toEqual([]);
      expect(html).toContain("&quot;&gt;&lt;script&gt;alert(1)");
    });

    test("cannot leave its line, turn the direction of text, or hide", () => {
      for (const line of [subject, to.name]) {
        expect(line).not.toMatch(/[\p{C}]/u);
        expect(line.length).toBeLessThanOrEqual(150);
      }
      for (const part of [html, text]) expect(part).not.toMatch(/[^\P{C}\n]/u);
    });

    test("is of limited length", () => {
      expect(Buffer.byteLength(html)).toBeLessThan(MAX_BYTES);
      expect(Buffer.byteLength(text)).toBeLessThan(MAX_BYTES);
    });
  },
);

const TAGS: ReadonlySet<string> = new Set(
  "html head meta title style body table tr td h1 h2 p a br ul li div".split(" ").map((tag) => `<${tag}`),
);

test("a redacted password reset has no token", () => {
  const [mail] = sampleMails.filter(({ kind }) => kind === "password_reset");
  if (!mail) throw new Error("There is no sample.");
  const token = /reset-password#([\w-]{43})/.exec(renderMail(sampleConfig, mail).text)?.[1] ?? "none";
  const { html, text } = renderMail(sampleConfig, mail, { isRedacted: true });
  expect(html + text).not.toContain(token);
  expect(text).toContain("reset-password#(hidden)");
});

import { eq } from "drizzle-orm";
import { afterAll, describe, expect, test } from "vitest";
import { mails } from "../../src/schema/mails.ts";
import { AUTH, PASSWORD } from "../support/auth.ts";
import type { Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { MailServer } from "../support/mail-server.ts";
import { mailOf, newMail } from "../support/mails.ts";
import { until } from "../support/until.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: server.settings, worker: true });
const admin = useAdmin(rowmill);
const user = useUser(rowmill);

interface Mail {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
  readonly reply: string | null;
}
interface List {
  readonly items: Mail[];
  readonly next_cursor: string | null;
}

const OUTBOX = "/api/v1/outbox";
const signUp = (path: string, username: string, email: string) =>
  rowmill.client.post<{ id: number }>(path, { username, password: PASSWORD, password2: PASSWORD, email });
const listed = async (query: string) => (await admin.get<List>(`${OUTBOX}?${query}`)).body.items;

describe("the welcome mail", () => {
  test.each([`${AUTH}/signup`, "/signup/", "/api/users/register/"])(
    "the welcome mail is sent after a signup at %s",
    async (path) => {
      const name = `new${path.replaceAll("/", "-")}`;
      const address = `${name}@new.test`;
      expect((await signUp(path, name, address)).status).toBe(201);
      await until("it arrives", async () => server.mailsTo(address).length > 0);
      const [mail] = await listed(`address=${address.toUpperCase()}`);
      expect(mail).toMatchObject({ kind: "welcome" });
      const { body } = await admin.get<Mail>(`${OUTBOX}/${mail?.id}`);
      expect(body.subject).toBe("Welcome to Rowmill");
      expect(body.text).toContain(`Username    ${name}`);
    },
  );

  test("the welcome mail does not exist for an account without an address, or for a signup that fails", async () => {
    const mails = () => count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.mails");
    const before = await mails();
    expect((await signUp(`${AUTH}/signup`, "silent", "")).status).toBe(201);
    expect((await signUp(`${AUTH}/signup`, "SILENT", "silent@new.test")).status).toBe(409);
    expect(await mails()).toBe(before);
  });
});

describe("the outbox", () => {
  test("the outbox is a list of pages for administrators, newest first", async () => {
    for (const at of [1, 2, 3]) await newMail(rowmill.ctx, `page${at}@list.test`);
    const pages: string[] = [];
    for (let cursor = ""; ; ) {
      const { body } = await admin.get<List>(`${OUTBOX}?kind=bulk_message&limit=2${cursor}`);
      pages.push(...body.items.map(({ id }) => id));
      if (!body.next_cursor) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    expect(pages.length).toBeGreaterThanOrEqual(3);
    expect(pages).toEqual(pages.toSorted().reverse());
    expect((await user.get<Problem>(OUTBOX)).status).toBe(403);
    expect((await admin.get<Problem>(`${OUTBOX}/01a20159-f320-7af5-a6be-a1fe00000000`)).status).toBe(404);
  });

  test("hides the link of a password reset", async () => {
    await signUp(`${AUTH}/signup`, "hidden", "hidden@new.test");
    await rowmill.client.post(`${AUTH}/password-reset`, { username: "hidden" });
    const [mail] = await until("it is stored", async () => {
      const found = await listed("kind=password_reset");
      return found.length > 0 && found;
    });
    const { body } = await admin.get<Mail>(`${OUTBOX}/${mail?.id}`);
    expect(body.text).toContain("/reset-password#(hidden)");
    expect(body.html).toContain("/reset-password#(hidden)");
  });

  test("the outbox sends a mail again on request, after its address is allowed again", async () => {
    server.answerTo("back@list.test", 550);
    const id = await newMail(rowmill.ctx, "back@list.test");
    await until("it is refused", async () => (await mailOf(rowmill.ctx, id)).state === "failed");
    const { body } = await admin.get<{ items: unknown[] }>(`/api/v1/suppressions?address=BACK@list.test`);
    expect(body.items).toMatchObject([
      { address: "back@list.test", scope: "all", reply: "550 5.1.1 Not this mailbox" },
    ]);
    const suppression = `/api/v1/suppressions/${encodeURIComponent("back@list.test")}`;
    expect((await admin.delete(suppression)).status).toBe(204);
    expect((await admin.delete(suppression)).status).toBe(404);
    server.answerTo("back@list.test", null);
    const createdAt = new Date(Date.now() - 100 * 3_600_000);
    await rowmill.ctx.db.update(mails).set({ createdAt, queuedAt: createdAt }).where(eq(mails.id, id));
    expect((await admin.post<Mail>(`${OUTBOX}/${id}/retry`)).body).toMatchObject({
      state: "queued",
      created_at: createdAt.toISOString(),
      reply: null,
    });
    await until("it is sent", async () => (await mailOf(rowmill.ctx, id)).state === "sent");
    const again = await admin.post<Problem>(`${OUTBOX}/${id}/retry`);
    expect(again).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("The mail is sent.") },
    });
  });

  test("a user sees why the address gets no mail", async () => {
    server.answerTo("full@list.test", 550);
    const { body } = await rowmill.client.post<{ access: string }>(`${AUTH}/signup`, {
      username: "refused",
      password: PASSWORD,
      email: "full@list.test",
    });
    const login = { authorization: `Bearer ${body.access}` };
    const refusal = await until("the server has refused", async () => {
      const me = await rowmill.client.get<{ email_refusal: string | null }>(`${AUTH}/me`, login);
      return me.body.email_refusal;
    });
    expect(refusal).toBe("550 5.1.1 Not this mailbox");
  });
});

describe("an unsubscribe link", () => {
  const urlIn = (content: string) => {
    const header = /^List-Unsubscribe:\s+<([^>]+)>/m.exec(content)?.[1] ?? "";
    return rowmill.url + new URL(header).pathname + new URL(header).search;
  };
  const mailTo = (address: string) => until("it arrives", async () => server.mailsTo(address)[0] ?? null);

  test("an unsubscribe link of a message turns messages off with one click, and a page for people asks first", async () => {
    await newMail(rowmill.ctx, "leave@list.test");
    const url = urlIn((await mailTo("leave@list.test")).content);
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('<form method="post"');
    expect(page.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; form-action/,
    );
    const suppressed = "SELECT count(*) FROM rowmill.mail_suppressions WHERE address = 'leave@list.test'";
    expect(await count(rowmill.ctx.pool, suppressed)).toBe(0);
    for (const body of [new URLSearchParams({ "List-Unsubscribe": "One-Click" }), form()])
      expect((await fetch(url, { method: "POST", body })).status).toBe(200);
    expect(await count(rowmill.ctx.pool, suppressed)).toBe(1);
    const next = await newMail(rowmill.ctx, "leave@list.test");
    await until("it is suppressed", async () => (await mailOf(rowmill.ctx, next)).state === "suppressed");
    expect(await mailOf(rowmill.ctx, next)).toMatchObject({ reply: "The recipient has unsubscribed." });
  });

  test("an unsubscribe link that was changed is refused", async () => {
    for (const token of ["", "a.b", "WzEsImJhdGNoLmZpbmlzaGVkIl0.x", `${"x".repeat(900)}.y`]) {
      const url = `${rowmill.url}/api/v1/unsubscribe?token=${token}`;
      for (const method of ["GET", "POST"]) expect((await fetch(url, { method })).status).toBe(400);
    }
  });
});

function form(): FormData {
  const form = new FormData();
  form.set("List-Unsubscribe", "One-Click");
  return form;
}

/** Addresses that nobody has confirmed get only mails about the account. */
import { describe, expect, test } from "vitest";
import { findByName } from "../../src/accounts/queries.ts";
import { startPasswordReset } from "../../src/accounts/reset/start-password-reset.ts";
import { signUp } from "../../src/accounts/sign-up.ts";
import { alertAdmins } from "../../src/announcements/alert-admins.ts";
import { inTransaction } from "../../src/context.ts";
import { confirmToken } from "../../src/mails/confirm-token.ts";
import { renderMail } from "../../src/mails/render/render-mail.ts";
import { resetToken } from "../../src/mails/reset-token.ts";
import { unsubscribeToken } from "../../src/mails/unsubscribe/token.ts";
import { fanOut } from "../../src/notifications/fan-out.ts";
import { mails } from "../../src/schema/mails.ts";
import { newAdmin } from "../support/admin.ts";
import { AUTH, authOf, PASSWORD } from "../support/auth.ts";
import { deliverChunk } from "../support/batches.ts";
import { csv } from "../support/book-files.ts";
import type { Client } from "../support/client.ts";
import { importFile } from "../support/imports.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const auth = authOf(rowmill);

const LINK = "/api/v1/confirm-email";

interface User {
  readonly id: number;
  readonly email: string;
  readonly client: Client;
}

async function newUser(name: string, email = `${name}@example.com`): Promise<User> {
  const { status, body } = await auth.signUp(name, { email });
  expect(status).toBe(201);
  const client = rowmill.client.as(body);
  return { id: client.userId, email, client };
}

async function mailsTo(address: string): Promise<(typeof mails.$inferSelect)[]> {
  const all = await rowmill.ctx.db.select().from(mails).orderBy(mails.id);
  return all.filter((mail) => mail.address === address);
}

/** Uploads a file, whose name could be an advertisement, and creates the mails about its end. */
async function finishBatch({ client }: User): Promise<void> {
  const { body } = await client.upload<{ id: string }>(csv(1, 0), "/api/v1/batches?target=books&force=true");
  await deliverChunk(rowmill.ctx, body.id);
  await inTransaction(rowmill.ctx, fanOut);
}

const kindsTo = async (address: string) => (await mailsTo(address)).map(({ kind }) => kind);

const statusOf = async ({ client }: User) =>
  (await client.get<{ email_status: string }>("/api/v1/notification-preferences")).body.email_status;

/** The path of the link in the last mail to the address. */
async function linkTo(address: string): Promise<string> {
  const mail = (await mailsTo(address)).at(-1);
  if (!mail) throw new Error(`No mail to ${address}.`);
  const link = /\/api\/v1\/confirm-email\?token=[\w.-]+/.exec(renderMail(rowmill.config, mail).text)?.[0];
  if (!link) throw new Error("The mail has no link.");
  return link;
}

describe("an account whose address is not confirmed", () => {
  test("an account whose address is not confirmed gets no mail about its work until it follows the link of the welcome mail", async () => {
    const user = await newUser("ada");
    await finishBatch(user);
    expect(await kindsTo(user.email)).toEqual(["welcome"]);
    expect(await statusOf(user)).toBe("unconfirmed");

    const link = await linkTo(user.email);
    const page = await rowmill.client.get<string>(link);
    expect(page.status).toBe(200);
    // Programs that check links open the page as well.
    expect(await statusOf(user)).toBe("unconfirmed");
    for (let i = 0; i < 2; i++) expect((await rowmill.client.post(link)).status).toBe(200);
    expect(await statusOf(user)).toBe("confirmed");
    await finishBatch(user);
    expect(await kindsTo(user.email)).toEqual(["welcome", "batch_finished"]);
  });

  test("an account whose address is not confirmed can request another link, five times per hour with its welcome mail", async () => {
    const user = await newUser("grace");
    const request = () => user.client.post<{ detail: string }>(`${AUTH}/email-confirmation`);
    for (let i = 0; i < 4; i++) expect((await request()).status).toBe(202);
    const refused = await request();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await kindsTo(user.email)).toEqual(["welcome", ...Array(4).fill("confirm_email")]);
    expect((await rowmill.client.post(await linkTo(user.email))).status).toBe(200);
    expect((await request()).status).toBe(409);
  });

  test("an account whose address is not confirmed is confirmed by a password reset", async () => {
    const user = await newUser("reset");
    await inTransaction(rowmill.ctx, (tx) => startPasswordReset(tx, { username: "reset" }));
    const reset = (await mailsTo(user.email)).at(-1);
    const token = resetToken(rowmill.config.jwtSecret, String(reset?.data.reset_id));
    const done = await rowmill.client.post(`${AUTH}/password-reset/confirm`, {
      token,
      new_password: `${PASSWORD} 2`,
    });
    expect(done.status).toBe(204);
    expect(await findByName(rowmill.ctx, "reset")).toMatchObject({ confirmedEmail: user.email });
  });
});

describe("mail to one address", () => {
  test("mail to one address is limited, from however many accounts", async () => {
    const address = "victim@example.com";
    for (let i = 0; i < 7; i++) await newUser(`bomber-${i}`, address);
    expect(await kindsTo(address)).toEqual(Array(5).fill("welcome"));
    for (let i = 0; i < 7; i++)
      await inTransaction(rowmill.ctx, (tx) => startPasswordReset(tx, { username: `bomber-${i}` }));
    expect((await kindsTo(address)).filter((kind) => kind === "password_reset")).toHaveLength(5);
  });

  test("mail to one address does not begin with a first name that could be an advertisement", async () => {
    await signUp(rowmill.ctx, {
      username: "plain",
      password: PASSWORD,
      email: "plain@example.com",
      firstName: "Buy at evil.example",
      passwordMinLength: 1,
    });
    await inTransaction(rowmill.ctx, (tx) => startPasswordReset(tx, { username: "plain" }));
    expect((await mailsTo("plain@example.com")).map(({ name }) => name)).toEqual(["plain", "plain"]);
  });
});

describe("an address that an admin has given", () => {
  test("an address that an admin has given counts as confirmed, for an account of create-admin or of a file", async () => {
    await signUp(rowmill.ctx, {
      username: "boss",
      password: PASSWORD,
      email: "boss@example.com",
      role: "admin",
      passwordMinLength: 1,
      isConfirmed: true,
    });
    expect(await findByName(rowmill.ctx, "boss")).toMatchObject({ confirmedEmail: "boss@example.com" });
    expect(await mailsTo("boss@example.com")).toEqual([]);

    const root = await newAdmin(rowmill, "root");
    await newUser("moved", "old@example.com");
    await newUser("known", "known@example.com");
    const file = "username,email\nmade,made@example.com\nmoved,new@example.com\nknown,known@example.com\n";
    await importFile(rowmill, root, file, "upsert", { target: "users" });
    expect(await findByName(rowmill.ctx, "made")).toMatchObject({ confirmedEmail: "made@example.com" });
    expect(await findByName(rowmill.ctx, "moved")).toMatchObject({ confirmedEmail: "new@example.com" });
    expect(await findByName(rowmill.ctx, "known")).toMatchObject({ confirmedEmail: "known@example.com" });
  });

  test("alerts for admins need no confirmation", async () => {
    const admin = await newUser("chief");
    await rowmill.ctx.pool.query("UPDATE rowmill.users SET role = 'admin' WHERE id = $1", [admin.id]);
    await inTransaction(rowmill.ctx, (tx) =>
      alertAdmins(tx, { key: "x", subject: "Disk", message: "Full." }),
    );
    await inTransaction(rowmill.ctx, fanOut);
    expect(await kindsTo(admin.email)).toEqual(["welcome", "admin_alert"]);
  });
});

test("a link of another account, address, purpose or secret is refused", async () => {
  const { jwtSecret } = rowmill.config;
  const { id, email } = await newUser("target");
  const userId = id;
  for (const token of [
    confirmToken(jwtSecret, { userId, address: "other@example.com" }),
    confirmToken(jwtSecret, { userId: userId + 1000, address: email }),
    confirmToken("y".repeat(32), { userId, address: email }),
    unsubscribeToken(jwtSecret, { userId }, "batch.finished"),
    "nonsense",
  ]) {
    expect((await rowmill.client.get(`${LINK}?token=${token}`)).status).toBe(400);
    expect((await rowmill.client.post(`${LINK}?token=${token}`)).status).toBe(400);
  }
  expect(await findByName(rowmill.ctx, "target")).toMatchObject({ confirmedEmail: "" });
});

test("with EMAIL_CONFIRMATION off, every address gets mail about work, and no link", async () => {
  await using own = await startRowmill({ EMAIL_CONFIRMATION: "off" });
  const { body } = await authOf(own).signUp("ada", { email: "ada@example.com" });
  const client = own.client.as(body);
  const { body: batch } = await client.upload<{ id: string }>(csv(1, 0), "/api/v1/batches?target=books");
  await deliverChunk(own.ctx, batch.id);
  await inTransaction(own.ctx, fanOut);
  const stored = await own.ctx.db.select().from(mails).orderBy(mails.id);
  expect(stored.map(({ kind }) => kind)).toEqual(["welcome", "batch_finished"]);
  expect(stored.map((mail) => renderMail(own.config, mail).text).join()).not.toContain("confirm-email");
});

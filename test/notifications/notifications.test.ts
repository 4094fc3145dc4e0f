import { randomUUID } from "node:crypto";
import { sql } from "drizzle-orm";
import type { Static } from "typebox";
import { describe, expect, test } from "vitest";
import { announce } from "../../src/announcements/announce.ts";
import type { AnnouncementData, Kind } from "../../src/announcements/kinds.ts";
import { inTransaction } from "../../src/context.ts";
import { MAX_PER_USER, removeOldNotifications } from "../../src/notifications/remove-old-notifications.ts";
import type { NotificationView } from "../../src/notifications/views.ts";
import { newAdmin } from "../support/admin.ts";
import type { Client, Problem } from "../support/client.ts";
import { EventClient } from "../support/events.ts";
import { storedFile } from "../support/files.ts";
import { startSecondApi } from "../support/second-api.ts";
import { type Listed, makeTask, untilEnded } from "../support/task-client.ts";
import { useRowmill, useUserPerTest } from "../support/use-rowmill.ts";

type Shown = Static<typeof NotificationView>;

const rowmill = useRowmill({ worker: true });
const user = useUserPerTest(rowmill);

const LIST = "/api/v1/notifications";
const PREFERENCES = "/api/v1/notification-preferences";

function tell<K extends Kind>(to: Client, kind: K, data: AnnouncementData<K>, subjectId = "1") {
  return inTransaction(rowmill.ctx, (tx) =>
    announce(tx, { kind, userId: to.userId, subjectId, sequence: 1, data }),
  );
}

const message = (to: Client, subject: string) => tell(to, "message", { subject, message: "Hello." });

const list = async (of: Client, query = "") => (await of.get<Listed<Shown>>(`${LIST}${query}`)).body;

const subjects = ({ items }: Listed<Shown>) => items.map(({ data }) => data.subject);

const unread = async (of: Client) => (await of.get(`${LIST}/unread-count`)).body;

async function one(of: Client): Promise<Shown> {
  await message(of, "One");
  const [first] = (await list(of)).items;
  if (!first) throw new Error("no notification");
  return first;
}

describe("the list", () => {
  test("a failed task of a worker is in the list, with its text", async () => {
    const file = await storedFile(user, "");
    const { id } = await makeTask(user, { type: "document", params: {}, file_id: file.id });
    await untilEnded(user, id);
    const { items } = await list(user);
    expect(items).toMatchObject([{ kind: "task.failed", subject_id: id, sequence: 1, read_at: null }]);
    expect(items[0]?.text).toContain("has failed.");
  });

  test("pages go from the newest to the oldest, and filters narrow them", async () => {
    for (const subject of ["A", "B", "C"]) await message(user, subject);
    await tell(user, "email.refused", { address: "a@example.com", reply: "550" });
    const first = await list(user, "?limit=2&kind=message");
    expect(subjects(first)).toEqual(["C", "B"]);
    expect(subjects(await list(user, `?limit=2&kind=message&cursor=${first.next_cursor}`))).toEqual(["A"]);
    await user.post(`${LIST}/${first.items[0]?.id}/read`);
    expect(subjects(await list(user, "?unread=true&kind=message"))).toEqual(["B", "A"]);
    expect((await list(user)).items).toHaveLength(4);
    expect((await user.get<Problem>(`${LIST}?kind=none`)).status).toBe(400);
  });

  test("a cursor that the list has not returned is refused", async () => {
    expect((await user.get<Problem>(`${LIST}?cursor=bm9uZQ`)).body).toMatchObject({ code: "invalid_input" });
  });
});

describe("reading", () => {
  test("a notification is marked as read, as unread, and deleted", async () => {
    const { id } = await one(user);
    expect(await unread(user)).toEqual({ unread: 1, has_more: false });
    const read = (await user.post<Shown>(`${LIST}/${id}/read`)).body;
    expect(read.read_at).not.toBeNull();
    expect((await user.post<Shown>(`${LIST}/${id}/read`)).body.read_at).toBe(read.read_at);
    expect(await unread(user)).toEqual({ unread: 0, has_more: false });
    expect((await user.post<Shown>(`${LIST}/${id}/unread`)).body.read_at).toBeNull();
    expect((await user.delete(`${LIST}/${id}`)).status).toBe(204);
    expect((await user.get(`${LIST}/${id}`)).status).toBe(404);
    expect((await list(user)).items).toEqual([]);
  });

  test("all notifications up to one are marked as read, and later ones stay unread", async () => {
    for (const subject of ["A", "B", "C"]) await message(user, subject);
    const [, second] = (await list(user)).items;
    expect((await user.post(`${LIST}/read`, { up_to: second?.id })).body).toEqual({ marked: 2 });
    expect(subjects(await list(user, "?unread=true"))).toEqual(["C"]);
    expect((await user.post(`${LIST}/read`)).body).toEqual({ marked: 1 });
    expect(await unread(user)).toEqual({ unread: 0, has_more: false });
  });

  test("more than a page of unread notifications are counted up to a thousand, and marked as read at once", async () => {
    await fill(user, 2500);
    expect(await unread(user)).toEqual({ unread: 1000, has_more: true });
    const [own, other] = await Promise.all([user.post(`${LIST}/read`), user.post(`${LIST}/read`)]);
    expect(Number(own.body.marked) + Number(other.body.marked)).toBe(2500);
  });

  test.each([
    ["GET", ""],
    ["POST", "/read"],
    ["POST", "/unread"],
    ["DELETE", ""],
  ])("%s of a notification of another user answers 404%s", async (method, path) => {
    const { id } = await one(user);
    const other = await rowmill.newUser();
    expect((await list(other)).items).toEqual([]);
    expect((await other.send(method, `${LIST}/${id}${path}`)).status).toBe(404);
    expect((await user.send(method, `${LIST}/${randomUUID()}${path}`)).status).toBe(404);
    expect((await rowmill.client.send(method, `${LIST}/${id}${path}`)).status).toBe(401);
    expect((await user.get<Shown>(`${LIST}/${id}`)).body.read_at).toBeNull();
    await other.post(`${LIST}/read`);
    expect(await unread(user)).toMatchObject({ unread: 1 });
  });
});

async function fill(of: Client, count: number): Promise<void> {
  await rowmill.ctx.db.execute(sql`
    INSERT INTO rowmill.notifications (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending)
    SELECT ('0000' || substr(gen_random_uuid()::text, 5))::uuid, ${of.userId}, 'backup.completed', '1', 1, '{"bytes": 1}', true, false, false
    FROM generate_series(1, ${count}::int)`);
}

describe("preferences", () => {
  test("a user sees the kinds for users, an admin also those for admins", async () => {
    const kindsOf = async (of: Client) =>
      (await of.get<{ items: { kind: string }[] }>(PREFERENCES)).body.items.map(({ kind }) => kind);
    expect(await kindsOf(user)).toContain("batch.finished");
    expect(await kindsOf(user)).not.toContain("admin.alert");
    const admin = await newAdmin(rowmill, "preferring");
    expect(await kindsOf(admin)).toContain("admin.alert");
    expect((await admin.patch(PREFERENCES, { "admin.alert": { email: false } })).status).toBe(200);
    const refused = await user.patch<Problem>(PREFERENCES, { "admin.alert": { email: false } });
    expect(refused.status).toBe(400);
    expect(refused.body.error).toContain("Only admins");
  });

  test("a channel is changed alone, and null restores its default", async () => {
    const change = async (channels: object) => {
      const { status, body } = await user.patch<{ items: { kind: string; channels: object }[] }>(
        PREFERENCES,
        { "task.failed": channels },
      );
      expect(status).toBe(200);
      return body.items.find(({ kind }) => kind === "task.failed")?.channels;
    };
    expect(await change({ email: true })).toEqual({ in_app: true, email: true, webhook: true });
    expect(await change({ in_app: false })).toEqual({ in_app: false, email: true, webhook: true });
    expect(await change({ email: null })).toEqual({ in_app: false, email: false, webhook: true });
    const other = await rowmill.newUser();
    const { body } = await other.get<{ items: { kind: string; channels: object; defaults: object }[] }>(
      PREFERENCES,
    );
    for (const { channels, defaults } of body.items) expect(channels).toEqual(defaults);
  });

  test.each([
    [{}],
    [{ unknown: { email: true } }],
    [{ "task.failed": {} }],
    [{ "task.failed": { sms: true } }],
    [{ "task.failed": { email: "yes" } }],
  ])("the preferences %j are refused", async (body) => {
    expect((await user.patch(PREFERENCES, body)).status).toBe(400);
  });
});

describe("events", () => {
  const follow = (of: Client, url = rowmill.url, headers = {}) =>
    EventClient.open<Shown>(`${url}${LIST}/events`, { authorization: `Bearer ${of.token}`, ...headers });

  test("two processes send each notification once to each stream of its user", async () => {
    await using second = await startSecondApi(rowmill);
    const other = await rowmill.newUser();
    const streams = [await follow(user), await follow(user, second.client.url), await follow(other)] as const;
    await message(other, "Not yours");
    for (const subject of ["A", "B", "C"]) await message(user, subject);
    for (const stream of streams.slice(0, 2)) {
      await stream.saw("C", ({ data }) => data.data.subject === "C");
      expect(stream.events.map(({ data }) => data.data.subject)).toEqual(["A", "B", "C"]);
    }
    await streams[2].saw("its own", ({ data }) => data.data.subject === "Not yours");
    expect(streams[2].events).toHaveLength(1);
    for (const stream of streams) stream.leave();
  });

  test("a client that reconnects gets what it has missed, however much that is", async () => {
    const stream = await follow(user);
    await message(user, "Before");
    const before = await stream.saw("Before", ({ data }) => data.data.subject === "Before");
    stream.leave();
    for (let index = 0; index < 90; index++) await message(user, `Missed ${index}`);
    const again = await follow(user, rowmill.url, { "last-event-id": before.id });
    await again.saw("the last", ({ data }) => data.data.subject === "Missed 89");
    const missed = again.events.filter(({ data }) => String(data.data.subject).startsWith("Missed"));
    expect(new Set(missed.map(({ id }) => id)).size).toBe(90);
    expect(missed).toHaveLength(90);
    again.leave();
  });

  test("a notification that becomes visible after a later one is sent", async () => {
    const stream = await follow(user);
    await inTransaction(rowmill.ctx, async (tx) => {
      const data = { subject: "Slow", message: "" };
      await announce(tx, { kind: "message", userId: user.userId, subjectId: "1", sequence: 1, data });
      await message(user, "Fast");
      await stream.saw("Fast", (event) => event.data.data.subject === "Fast");
    });
    const slow = await stream.saw("Slow", ({ data }) => data.data.subject === "Slow");
    expect(slow.id < (stream.events[0]?.id ?? "")).toBe(true);
    stream.leave();
  });

  test("an id that is not a UUID is refused, and the stream ends with its login", async () => {
    const refused = await user.send("GET", `${LIST}/events`, { headers: { "last-event-id": "none" } });
    expect(refused.status).toBe(400);
    const stream = await follow(user);
    const admin = await newAdmin(rowmill, "disabling");
    await admin.post(`/api/v1/accounts/${user.userId}/disable`);
    await stream.ended();
  });
});

test("an admin alerts all admins by hand, and nobody else can", async () => {
  const admin = await newAdmin(rowmill, "alerting");
  const alert = { subject: "Late", message: "Tomorrow." };
  expect((await user.post("/api/v1/admin/alerts", alert)).status).toBe(403);
  expect((await admin.post("/api/v1/admin/alerts", alert)).status).toBe(204);
  expect((await admin.post("/api/v1/admin/alerts", alert)).status).toBe(204);
  expect(subjects(await list(admin, "?kind=admin.alert"))).toEqual(["Late", "Late"]);
  expect((await list(user)).items).toEqual([]);
});

test("old notifications, and those beyond the newest of a user, are removed", async () => {
  const { ctx } = rowmill;
  await fill(user, MAX_PER_USER + 1500);
  await message(user, "Newest");
  const other = await rowmill.newUser();
  await message(other, "Kept");
  const old = await rowmill.newUser();
  await message(old, "Old");
  await ctx.db.execute(
    sql`UPDATE rowmill.notifications SET created_at = now() - interval '1 year' WHERE user_id = ${old.userId}`,
  );
  expect(await removeOldNotifications(ctx)).toBe(1502);
  expect((await list(old)).items).toEqual([]);
  expect(subjects(await list(other))).toEqual(["Kept"]);
  const { rows } = await ctx.pool.query(
    "SELECT count(*)::int AS count FROM rowmill.notifications WHERE user_id = $1",
    [user.userId],
  );
  expect(rows).toEqual([{ count: MAX_PER_USER }]);
  expect(subjects(await list(user, "?limit=1"))).toEqual(["Newest"]);
});

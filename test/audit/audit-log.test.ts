import { hostname, userInfo } from "node:os";
import pg from "pg";
import { describe, expect, test, vi } from "vitest";
import { recordOwn, recordRepeats } from "../../src/audit/record-repeated.ts";
import { removeOldAuditEntries } from "../../src/audit/remove-old-entries.ts";
import type { AuditEntryView } from "../../src/audit/views.ts";
import { findCommand } from "../../src/cli/commands.ts";
import { inTransaction } from "../../src/context.ts";
import { provideAppRole } from "../../src/platform/postgres/app-role.ts";
import { newAdmin } from "../support/admin.ts";
import { authOf } from "../support/auth.ts";
import type { Problem } from "../support/client.ts";
import { count } from "../support/count.ts";
import { makeTask } from "../support/task-client.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const user = useUser(rowmill, "=grace");

interface Listed {
  items: AuditEntryView[];
  next_cursor: string | null;
}

const AUDIT = "/api/v1/admin/audit";
const list = async (query: string) => (await admin.get<Listed>(`${AUDIT}?${query}`)).body;
const entriesOf = async (query: string) => (await list(query)).items;
const never = new AbortController().signal;

describe("the list of the audit log", () => {
  test("a deletion says who deleted what, and filters find it", async () => {
    const { id } = await makeTask(user, { title: "of grace" });
    await user.delete(`/api/v1/tasks/${id}`);
    const expected = {
      action: "task.deleted",
      actor_id: user.userId,
      actor: "=grace",
      subject_type: "task",
      subject_id: id,
      owner_id: user.userId,
      details: { type: "generic", title: "of grace" },
    };
    const today = new Date().toISOString().slice(0, 10);
    for (const query of [
      `subject_type=task&subject_id=${id}`,
      `actor_id=${user.userId}&action=task.deleted`,
      `actor=%3Dgrace&owner_id=${user.userId}&address=127.0.0.1&from=${today}&to=${today}&action=task.deleted`,
    ])
      expect(await entriesOf(query), query).toMatchObject([expected]);
    expect(await entriesOf(`subject_type=task&subject_id=${id}&to=2020-01-01`)).toEqual([]);
  });

  test("tasks of types for admins have an entry, and other tasks have none", async () => {
    const { id } = await makeTask(admin, { type: "cleanup_old_logs", params: {} });
    await makeTask(admin);
    expect(await entriesOf("action=task.created")).toMatchObject([
      { actor: "root", subject_id: id, details: { types: ["cleanup_old_logs"], count: 1 } },
    ]);
  });

  test("pages follow each other, newest first", async () => {
    for (let times = 0; times < 3; times++) await user.post("/api/v1/auth/tokens", { name: `page ${times}` });
    const first = await list(`actor_id=${user.userId}&action=token.created&limit=2`);
    expect(first.items.map(({ details }) => details.name)).toEqual(["page 2", "page 1"]);
    const next = await list(
      `actor_id=${user.userId}&action=token.created&limit=2&cursor=${first.next_cursor}`,
    );
    expect(next).toMatchObject({ items: [{ details: { name: "page 0" } }], next_cursor: null });
  });

  test("only admins read it, and wrong filters are refused", async () => {
    const operator = await newAdmin(rowmill, "an operator", "operator");
    for (const client of [user, operator]) {
      expect((await client.get(AUDIT)).status).toBe(403);
      expect((await client.get(`${AUDIT}/export.csv`)).status).toBe(403);
    }
    expect((await rowmill.client.get(AUDIT)).status).toBe(401);
    for (const query of ["action=nothing.done", "from=yesterday", "actor_id=x", "cursor=x"])
      expect((await admin.get<Problem>(`${AUDIT}?${query}`)).status, query).toBe(400);
  });

  test("the export has every entry, is safe for spreadsheets, and is an entry itself", async () => {
    await user.post("/api/v1/auth/tokens", { name: "for the export" });
    const lines = async (format: string) => {
      const answer = await fetch(`${rowmill.url}${AUDIT}/export.${format}?actor_id=${user.userId}`, {
        headers: { authorization: `Bearer ${admin.token}` },
      });
      expect(answer.headers.get("content-disposition")).toMatch(/audit-.*\./);
      return (await answer.text()).trim().split("\n");
    };
    const [header, first] = await lines("csv");
    expect(header).toBe(
      "id,at,actor_id,actor,actor_role,action,subject_type,subject_id,owner_id,request_id,address,details",
    );
    expect(first).toContain(`,${user.userId},'=grace,user,token.created,api_token,`);
    const objects = (await lines("ndjson")).map((line): AuditEntryView => JSON.parse(line));
    expect(objects).toEqual(await entriesOf(`actor_id=${user.userId}`));
    expect(await entriesOf("action=audit.exported")).toMatchObject([
      { actor_id: admin.userId, details: { format: "ndjson", filter: { actorId: user.userId } } },
      { actor_id: admin.userId, details: { format: "csv" } },
    ]);
  });

  test("a command is recorded with the user and the host, and `audit list` shows it", async () => {
    const output = vi.spyOn(console, "log").mockImplementation(() => {});
    const cli = async (...words: string[]) => {
      await findCommand(words)?.({ config: rowmill.config, connect: async () => rowmill.ctx });
    };
    await cli("accounts", "set-role", "=grace", "operator");
    await cli("audit", "list", "--action", "account.role_changed", "--owner", "=grace");
    const shown = output.mock.calls.flat().join("\n");
    output.mockRestore();
    const address = `${userInfo().username}@${hostname()}`;
    expect(await entriesOf("action=account.role_changed")).toMatchObject([
      {
        actor_id: null,
        actor: "command line",
        actor_role: null,
        address,
        details: { from: "user", to: "operator" },
      },
    ]);
    expect(shown).toContain("command line");
    expect(shown).toContain(address);
    await expect(cli("accounts", "set-role", "=grace", "king")).rejects.toThrow("user, operator, admin");
    await cli("accounts", "set-role", "=grace", "user");
  });
});

describe("sign-ins", () => {
  const { logIn } = authOf(rowmill);

  test("wrong passwords, disabled accounts and the sign-ins of admins have entries without the password", async () => {
    const target = await rowmill.newUser();
    const { body } = await admin.get<{ username: string }>(`/api/v1/accounts/${target.userId}`);
    const failed = await logIn(body.username, "wrong horse");
    await logIn("nobody at all", "wrong horse");
    await admin.post(`/api/v1/accounts/${target.userId}/disable`);
    expect((await logIn(body.username)).status).toBe(403);
    const entries = await entriesOf(`subject_type=account&subject_id=${target.userId}`);
    expect(entries).toMatchObject([
      { action: "sign_in.refused", actor_id: null },
      { action: "account.disabled", actor_id: admin.userId },
      {
        action: "sign_in.failed",
        actor_id: null,
        owner_id: target.userId,
        address: "127.0.0.1",
        request_id: failed.headers.get("x-request-id"),
        details: { username: body.username },
      },
    ]);
    expect(await entriesOf("action=sign_in.failed&subject_id=unknown")).toHaveLength(1);
    expect(await entriesOf(`action=sign_in.succeeded&actor_id=${admin.userId}`)).toHaveLength(1);
    expect(await entriesOf(`action=sign_in.succeeded&actor_id=${user.userId}`)).toEqual([]);
    const { rows } = await rowmill.ctx.pool.query("SELECT audit_log::text AS text FROM rowmill.audit_log");
    expect(JSON.stringify(rows)).not.toMatch(/horse|nobody at all/);
  });

  test("API tokens of a disabled account are refused at once", async () => {
    const target = await rowmill.newUser();
    const { body } = await target.post<{ token: string }>("/api/v1/auth/tokens", { name: "robot" });
    const me = () => rowmill.client.get("/api/v1/auth/me", { authorization: `Token ${body.token}` });
    expect((await me()).status).toBe(200);
    await admin.post(`/api/v1/accounts/${target.userId}/disable`);
    expect(await me()).toMatchObject({ status: 403, body: { code: "account_disabled" } });
  });
});

describe("what is repeated", () => {
  const deletions = (ctx = rowmill.ctx, times = 1) =>
    inTransaction(
      { ...ctx, actor: { id: 77, username: "busy", role: "user", proof: "api_token" } },
      async (tx) => {
        for (let at = 0; at < times; at++)
          await recordOwn(tx, { action: "book.deleted", subject: { type: "book", id: at }, ownerId: 77 });
      },
    );
  const later = (hours: number) => ({ ...rowmill.ctx, now: () => new Date(Date.now() + hours * 3_600_000) });

  test("an hour has a hundred entries per user and action, and one with the number of the others", async () => {
    await deletions(rowmill.ctx, 90);
    await deletions(rowmill.ctx, 20);
    await Promise.all(Array.from({ length: 4 }, () => deletions(rowmill.ctx, 10)));
    expect(await entriesOf("actor_id=77&limit=1000")).toHaveLength(100);
    await recordRepeats(rowmill.ctx);
    expect(await entriesOf("actor_id=77&limit=1000")).toHaveLength(100);
    await Promise.all([recordRepeats(later(3)), recordRepeats(later(3))]);
    const entries = await entriesOf("actor_id=77&limit=1000");
    expect(entries).toHaveLength(101);
    expect(entries[0]).toMatchObject({
      action: "book.deleted",
      actor: "busy",
      subject_id: "*",
      details: { repeated: 50, from: expect.any(String), to: expect.any(String) },
    });
    await deletions(later(3));
    expect(await entriesOf("actor_id=77&limit=1000")).toHaveLength(102);
  });

  test("a change that is rolled back has no entry", async () => {
    const before = await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.audit_log");
    await expect(
      inTransaction(rowmill.ctx, async (tx) => {
        await recordOwn(tx, { action: "book.deleted", subject: { type: "book", id: 1 }, ownerId: 78 });
        throw new Error("rolled back");
      }),
    ).rejects.toThrow("rolled back");
    expect(await count(rowmill.ctx.pool, "SELECT count(*) FROM rowmill.audit_log")).toBe(before);
  });

  test("long details are cut", async () => {
    await inTransaction(rowmill.ctx, (tx) =>
      recordOwn(tx, {
        action: "book.deleted",
        subject: { type: "book", id: "long" },
        ownerId: 79,
        details: {
          title: `\u0000${"x".repeat(5000)}`,
          list: Array.from({ length: 90 }, () => "y"),
          when: new Date(0),
        },
      }),
    );
    const [entry] = await entriesOf("owner_id=79");
    expect(JSON.stringify(entry?.details).length).toBeLessThan(1000);
    expect(entry?.details).toMatchObject({ when: "1970-01-01T00:00:00.000Z" });
  });
});

describe("entries are append-only", () => {
  const REFUSED = "are never changed";
  const attempts = [
    "UPDATE rowmill.audit_log SET actor_name = 'nobody'",
    "DELETE FROM rowmill.audit_log",
    "TRUNCATE rowmill.audit_log",
  ];

  test("the role of the programs can neither change nor remove them, with and without the rights", async () => {
    const client = new pg.Client({ connectionString: await provideAppRole(rowmill.config.databaseUrl) });
    await client.connect();
    try {
      for (const statement of attempts)
        await expect(client.query(statement)).rejects.toThrow("permission denied");
      await rowmill.ctx.pool.query("GRANT UPDATE, DELETE, TRUNCATE ON rowmill.audit_log TO rowmill_app");
      await client.query("SET rowmill.removes_old_rows = 'yes'");
      for (const statement of attempts) await expect(client.query(statement)).rejects.toThrow(REFUSED);
      await expect(
        client.query("SELECT rowmill.remove_old_from_audit_log(now() - interval '29 days')"),
      ).rejects.toThrow("at least 30 days");
      await client.query("SELECT rowmill.remove_old_from_audit_log(now() - interval '31 days')");
    } finally {
      await client.end();
      await rowmill.ctx.pool.query("REVOKE UPDATE, DELETE, TRUNCATE ON rowmill.audit_log FROM rowmill_app");
    }
  });

  test("the role that owns the table is refused as well, until it tries hard", async () => {
    for (const statement of attempts)
      await expect(rowmill.ctx.pool.query(statement)).rejects.toThrow(REFUSED);
  });

  test("the cleanup removes entries that are older than AUDIT_LOG_DAYS, and says so", async () => {
    const insert = (days: number) =>
      rowmill.ctx.pool.query(
        `INSERT INTO rowmill.audit_log (at, action, subject_type, subject_id, details)
        VALUES (now() - make_interval(days => $1), 'queue.paused', 'queue', 'old', '{}')`,
        [days],
      );
    await insert(364);
    await insert(366);
    await insert(900);
    expect(await removeOldAuditEntries(rowmill.ctx, never)).toBe(2);
    expect(await removeOldAuditEntries(rowmill.ctx, never)).toBe(0);
    expect(await entriesOf("subject_type=queue&subject_id=old")).toHaveLength(1);
    expect(await entriesOf("action=audit.removed")).toMatchObject([{ actor: null, details: { removed: 2 } }]);
  });
});

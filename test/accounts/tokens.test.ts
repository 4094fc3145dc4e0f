import { createHash, randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import type { TokenView } from "../../src/accounts/tokens/views.ts";
import { jobs } from "../../src/jobs.ts";
import { apiTokens, users } from "../../src/schema/accounts.ts";
import type { Answer, Client, Problem } from "../support/client.ts";
import { startSecondApi } from "../support/second-api.ts";
import { until } from "../support/until.ts";
import { useRowmill } from "../support/use-rowmill.ts";

const TOKENS = "/api/v1/auth/tokens";
const ME = "/api/v1/auth/me";
const DAY_MS = 86_400_000;

type Made = TokenView & { token: string };
type Page = { items: TokenView[]; next_cursor: string | null };

const rowmill = useRowmill();

function make(user: Client, name: string, more: object = {}): Promise<Answer<Made & Problem>> {
  return user.post(TOKENS, { name, ...more });
}

function meWith(authorization: string, { client }: { client: Client } = rowmill): Promise<Answer> {
  return client.get(ME, { authorization });
}

const lastUse = async (token: Made) => {
  const [stored] = await rowmill.ctx.db.select().from(apiTokens).where(eq(apiTokens.id, token.id));
  return stored?.lastUsedAt?.getTime() ?? null;
};

async function store(token: Made, columns: Partial<typeof apiTokens.$inferInsert>): Promise<void> {
  await rowmill.ctx.db.update(apiTokens).set(columns).where(eq(apiTokens.id, token.id));
}

describe("an API token", () => {
  test("an API token is shown once and authenticates its user", async () => {
    const user = await rowmill.newUser();
    const { status, body } = await make(user, "nightly import");
    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      name: "nightly import",
      token: expect.stringMatching(/^rmt_[\w-]{43}$/),
      hint: body.token.slice(-4),
      created_at: expect.any(String),
      expires_at: null,
      last_used_at: null,
    });
    for (const scheme of ["Token", "Bearer", "token", "BEARER"]) {
      const me = await meWith(`${scheme} ${body.token}`);
      expect(me.status).toBe(200);
      expect(me.body).toMatchObject({ id: user.userId, role: "user" });
    }
    const { token: _, ...shown } = body;
    const listed = await user.get<Page>(TOKENS);
    expect(listed.body.items).toEqual([{ ...shown, last_used_at: listed.body.items[0]?.last_used_at }]);
    expect(JSON.stringify(listed.body)).not.toContain(body.token);
  });

  test("only the SHA-256 of an API token is stored", async () => {
    const { body } = await make(await rowmill.newUser(), "hashed");
    const { rows } = await rowmill.ctx.pool.query<{ hash: Buffer; text: string }>(
      "SELECT token_hash AS hash, t::text AS text FROM rowmill.api_tokens t WHERE id = $1",
      [body.id],
    );
    expect(rows[0]?.hash).toEqual(createHash("sha256").update(body.token).digest());
    expect(rows[0]?.text).not.toContain(body.token.slice(4));
  });

  test("an API token authenticates changes from any origin", async () => {
    const { body } = await make(await rowmill.newUser(), "uploads");
    const form = new FormData();
    form.set("file", new Blob(["title,author\nEmma,Jane Austen\n"]), "books.csv");
    const headers = { authorization: `Token ${body.token}`, origin: "https://elsewhere.example.com" };
    const path = "/api/v1/batches?target=books";
    expect((await rowmill.client.send("POST", path, { body: form, headers })).status).toBe(202);
    expect((await rowmill.client.get(ME, { cookie: `access_token=${body.token}` })).status).toBe(401);
  });

  test("an API token has the current role of its user", async () => {
    const user = await rowmill.newUser();
    const { body } = await make(user, "role");
    await rowmill.ctx.db.update(users).set({ role: "admin" }).where(eq(users.id, user.userId));
    expect((await meWith(`Token ${body.token}`)).body).toMatchObject({ role: "admin" });
  });

  test("an API token is invalid after its user is removed", async () => {
    const user = await rowmill.newUser();
    const { body } = await make(user, "orphan");
    await rowmill.ctx.db.delete(users).where(eq(users.id, user.userId));
    expect((await meWith(`Token ${body.token}`)).status).toBe(401);
    expect((await make(user, "after the end")).status).toBe(401);
  });

  test.each<[string, (token: string) => string]>([
    ["with a letter more", (token) => `${token}x`],
    ["with a letter less", (token) => token.slice(0, -1)],
    ["in capitals", (token) => token.toUpperCase()],
    ["without its prefix", (token) => token.slice(4)],
    ["that is but its prefix", () => "rmt_"],
    ["that is something else", () => `rmt_${"x".repeat(43)}`],
  ])("an API token %s is refused", async (_, change) => {
    const { body } = await make(await rowmill.newUser(), "changed");
    const answer = await meWith(`Token ${change(body.token)}`);
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Token /);
    expect(answer.body).toMatchObject({ code: "unauthenticated" });
  });

  test("an API token can list tokens and revoke itself, but not create or revoke others", async () => {
    const user = await rowmill.newUser();
    const { body } = await make(user, "limited");
    for (const scheme of ["Token", "Bearer"]) {
      const headers = { authorization: `${scheme} ${body.token}` };
      const refused = await rowmill.client.post<Problem>(TOKENS, { name: "more" }, headers);
      expect(refused.status).toBe(403);
      expect(refused.body.detail).toContain(
        "An API token cannot change accounts, passwords, sessions, tokens or secrets, or download backups.",
      );
      expect((await rowmill.client.get<Page>(TOKENS, headers)).body.items).toHaveLength(1);
    }
    const headers = { authorization: `Token ${body.token}` };
    const other = (await make(user, "other")).body;
    expect((await rowmill.client.send("DELETE", `${TOKENS}/${other.id}`, { headers })).status).toBe(403);
    expect((await meWith(`Token ${other.token}`)).status).toBe(200);
    expect((await rowmill.client.send("DELETE", `${TOKENS}/${body.id}`, { headers })).status).toBe(204);
    expect((await rowmill.client.get(TOKENS, headers)).status).toBe(401);
  });

  test("an API token can be created with Basic authentication", async () => {
    await rowmill.client.signUp("basic maker");
    const authorization = `Basic ${Buffer.from("basic maker:correct horse").toString("base64")}`;
    expect((await rowmill.client.post(TOKENS, { name: "ci" }, { authorization })).status).toBe(201);
  });
});

test("an access token may use the scheme Token", async () => {
  const user = await rowmill.newUser();
  expect((await meWith(`Token ${user.token}`)).body).toMatchObject({ id: user.userId });
});

describe("making one", () => {
  test.each<[string, unknown, string]>([
    ["without a name", {}, "name"],
    ["with an empty name", { name: "" }, "name"],
    ["with a name of spaces", { name: "   " }, "name"],
    ["with a NUL in the name", { name: "a\0b" }, "name"],
    ["with a name of 101 characters", { name: "x".repeat(101) }, "name"],
    ["for no day", { name: "x", expires_in_days: 0 }, "expires_in_days"],
    ["for half a day", { name: "x", expires_in_days: 0.5 }, "expires_in_days"],
    ["for eleven years", { name: "x", expires_in_days: 4015 }, "expires_in_days"],
  ])("creating an API token %s is refused", async (_, body, field) => {
    const user = await rowmill.newUser();
    const answer = await user.post<Problem>(TOKENS, body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.field_errors)).toEqual([field]);
    expect((await user.get<Page>(TOKENS)).body.items).toEqual([]);
  });

  test("token names are unique per user, ignoring case", async () => {
    const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
    expect((await make(user, "CI")).status).toBe(201);
    const again = await make(user, " ci ");
    expect(again.status).toBe(409);
    expect(Object.keys(again.body.field_errors)).toEqual(["name"]);
    expect((await make(other, "CI")).status).toBe(201);
  });

  test("concurrent requests with one token name create one token", async () => {
    const user = await rowmill.newUser();
    const answers = await Promise.all(Array.from({ length: 5 }, () => make(user, "race")));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409]);
  });

  test("a user has at most a hundred tokens, also with concurrent requests", async () => {
    const user = await rowmill.newUser();
    const tokenHash = (i: number) => createHash("sha256").update(`${user.userId} ${i}`).digest();
    await rowmill.ctx.db.insert(apiTokens).values(
      Array.from({ length: 98 }, (_, i) => ({
        userId: user.userId,
        name: `token ${i}`,
        tokenHash: tokenHash(i),
        hint: "....",
      })),
    );
    const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => make(user, `more ${i}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 409, 409, 409, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.body.detail).toContain("100");
  });
});

describe("the list", () => {
  test("the list of tokens has the user's own tokens in pages", async () => {
    const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
    for (const name of ["a", "b", "c"]) await make(user, name);
    await make(other, "theirs");
    const first = await user.get<Page>(`${TOKENS}?limit=2`);
    expect(first.body.items.map(({ name }) => name)).toEqual(["a", "b"]);
    const second = await user.get<Page>(`${TOKENS}?limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ items: [{ name: "c" }], next_cursor: null });
    expect((await user.get<Problem>(`${TOKENS}?cursor=nonsense`)).status).toBe(400);
  });
});

describe("revoking one", () => {
  test("revoking a token takes effect at once in every process", async () => {
    await using second = await startSecondApi(rowmill);
    const user = await rowmill.newUser();
    const { body } = await make(user, "revoked");
    for (const at of [rowmill, second]) expect((await meWith(`Token ${body.token}`, at)).status).toBe(200);
    expect((await user.delete(`${TOKENS}/${body.id}`)).status).toBe(204);
    for (const at of [rowmill, second]) expect((await meWith(`Token ${body.token}`, at)).status).toBe(401);
    expect((await user.delete(`${TOKENS}/${body.id}`)).status).toBe(404);
    expect((await make(user, "revoked")).status).toBe(201);
  });

  test("only its owner can revoke a token", async () => {
    const [user, other] = [await rowmill.newUser(), await rowmill.newUser()];
    const { body } = await make(user, "mine");
    expect((await other.delete(`${TOKENS}/${body.id}`)).status).toBe(404);
    expect((await meWith(`Token ${body.token}`)).status).toBe(200);
    for (const id of ["0", "x", "1.5"]) expect((await user.delete(`${TOKENS}/${id}`)).status).toBe(400);
  });
});

describe("the end of one", () => {
  test("a token expires after the requested days", async () => {
    const { body } = await make(await rowmill.newUser(), "brief", { expires_in_days: 90 });
    expect(Date.parse(body.expires_at ?? "") - Date.parse(body.created_at)).toBe(90 * DAY_MS);
    expect((await meWith(`Token ${body.token}`)).status).toBe(200);
  });

  test("an expired token is refused and frees its name", async () => {
    const user = await rowmill.newUser();
    const { body } = await make(user, "over", { expires_in_days: 1 });
    await store(body, { expiresAt: new Date(Date.now() - 1000) });
    expect((await meWith(`Token ${body.token}`)).status).toBe(401);
    expect((await make(user, "over")).status).toBe(201);
  });

  test("the daily upkeep removes expired tokens", async () => {
    const user = await rowmill.newUser();
    const kept = (await make(user, "kept", { expires_in_days: 1 })).body;
    await make(user, "without an end");
    const over = (await make(user, "over", { expires_in_days: 1 })).body;
    await store(over, { expiresAt: new Date(Date.now() - 1000) });
    const worker = await rowmill.startWorker();
    await worker.queue.add(worker.db, jobs.clean, [{ id: randomUUID(), payload: {} }]);
    const stored = () => rowmill.ctx.db.$count(apiTokens, eq(apiTokens.id, over.id));
    await until("it is cleaned", async () => (await stored()) === 0);
    const { body } = await user.get<Page>(TOKENS);
    expect(body.items.map(({ name }) => name)).toEqual(["kept", "without an end"]);
    expect((await meWith(`Token ${kept.token}`)).status).toBe(200);
  });
});

describe("the last use", () => {
  const use = async (token: Made) => expect((await meWith(`Token ${token.token}`)).status).toBe(200);

  test("the last use of a token is written at most once per minute", async () => {
    const user = await rowmill.newUser();
    const { body } = await make(user, "used");
    await use(body);
    const first = await until("the use is noted", () => lastUse(body));
    expect(Math.abs(first - Date.now())).toBeLessThan(60_000);
    const { items } = (await user.get<Page>(TOKENS)).body;
    expect(items[0]?.last_used_at).toBe(new Date(first).toISOString());

    const recent = new Date(Date.now() - 20_000);
    await store(body, { lastUsedAt: recent });
    for (let i = 0; i < 5; i++) await use(body);
    const old = (await make(user, "used long ago")).body;
    await store(old, { lastUsedAt: new Date(Date.now() - 61_000) });
    await use(old);
    await until("the later use is noted", async () => ((await lastUse(old)) ?? 0) >= first);
    expect(await lastUse(body)).toBe(recent.getTime());
  });

  test("a request succeeds if the last use of its token cannot be written", async () => {
    const { body } = await make(await rowmill.newUser(), "unwritable");
    const { pool } = rowmill.ctx;
    await pool.query(`CREATE FUNCTION rowmill.refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'disk full'; END $$`);
    await pool.query(
      "CREATE TRIGGER refuse BEFORE UPDATE ON rowmill.api_tokens FOR EACH ROW EXECUTE FUNCTION rowmill.refuse()",
    );
    for (let i = 0; i < 3; i++) await use(body);
    await pool.query("DROP TRIGGER refuse ON rowmill.api_tokens");
    await use(body);
    await until("the use is noted", () => lastUse(body));
  });

  test("a request does not wait for the last use of its token to be written", async () => {
    const { body } = await make(await rowmill.newUser(), "held");
    const holder = await rowmill.ctx.pool.connect();
    try {
      await holder.query("BEGIN");
      await holder.query("SELECT FROM rowmill.api_tokens WHERE id = $1 FOR UPDATE", [body.id]);
      for (let i = 0; i < 30; i++) await use(body);
      expect(rowmill.ctx.pool.waitingCount).toBe(0);
      await holder.query("COMMIT");
    } finally {
      holder.release();
    }
  });
});

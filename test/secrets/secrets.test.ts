import { describe, expect, test } from "vitest";
import { findCommand } from "../../src/cli/commands.ts";
import type { Context } from "../../src/context.ts";
import { redact } from "../../src/platform/http-client/redact.ts";
import { setSecret } from "../../src/secrets/change-secrets.ts";
import { requireKnownSecrets, requireUsableSecrets } from "../../src/secrets/require-known-secrets.ts";
import { readSecrets, resolveSecrets } from "../../src/secrets/resolve-secrets.ts";
import { rotateSecrets } from "../../src/secrets/rotate-secrets.ts";
import type { SecretView } from "../../src/secrets/views.ts";
import { newAdmin } from "../support/admin.ts";
import type { Problem } from "../support/client.ts";
import { printed } from "../support/printed.ts";
import { startRowmill } from "../support/rowmill.ts";
import { useAdmin, useRowmill, useUser } from "../support/use-rowmill.ts";

const rowmill = useRowmill();
const admin = useAdmin(rowmill);
const user = useUser(rowmill);

const PATH = "/api/v1/admin/secrets";
const VALUE = 'sk_live "51f8c0a7"';
const url = "https://api.example.com/orders";
const byAdmin = { url, role: "admin" } as const;
const byUser = { url, role: "user" } as const;

const set = (name: string, more: object = {}) =>
  admin.put<SecretView & Problem>(`${PATH}/${name}`, { value: VALUE, ...more });

/** The context of a process with other keys. */
function withKeys(current: string, previous = ""): Context {
  return { ...rowmill.ctx, config: { ...rowmill.ctx.config, secretKeys: { current, previous } } };
}

describe("the routes of secrets", () => {
  test("a secret is listed with who set it, and no answer has its value", async () => {
    const { status, body } = await set("CRM_TOKEN", { hosts: ["API.example.com", "api.example.com"] });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ name: "CRM_TOKEN", hosts: ["api.example.com"], is_shared: false },
      ...{ set_at: expect.any(String), set_by: admin.userId, set_by_username: "root", last_used_at: null },
    });
    const answers = [await admin.get(PATH), await admin.get(`${PATH}/CRM_TOKEN`)];
    expect(answers[0]?.body).toEqual({ items: [body] });
    expect(JSON.stringify(answers)).not.toContain("51f8c0a7");
    expect((await admin.delete(`${PATH}/CRM_TOKEN`)).status).toBe(204);
    for (const answer of [await admin.get(`${PATH}/CRM_TOKEN`), await admin.delete(`${PATH}/CRM_TOKEN`)])
      expect(answer.status).toBe(404);
  });

  test.each([
    ["a short value", "SHORT", { value: "1234567" }, "value"],
    ["a line break", "LINES", { value: "12345678\nx-admin: 1" }, "value"],
    ["a space at the end", "SPACE", { value: "12345678 " }, "value"],
    ["a value beyond 4096 characters", "LONG", { value: "x".repeat(4097) }, "value"],
    ["a name in lower case", "lower", {}, "name"],
    ["a URL as host", "HOST", { hosts: ["https://api.example.com"] }, "hosts"],
    ["a port that does not exist", "PORT", { hosts: ["api.example.com:99999"] }, "hosts.0"],
    ["port 0", "ZERO", { hosts: ["api.example.com", "api.example.com:0"] }, "hosts.1"],
    ["an address that does not exist", "ADDRESS", { hosts: ["999.1.1.1"] }, "hosts.0"],
    ["all users without a host", "SHARED", { is_shared: true }, "hosts"],
  ])("%s is refused, and the error names the field and not the value", async (_, name, more, field) => {
    const { status, body } = await set(name, more);
    expect(status).toBe(400);
    expect(Object.keys(body.field_errors ?? {})[0]).toContain(field);
    expect(JSON.stringify(body)).not.toMatch(/1234567|51f8c0a7/);
  });

  test("hosts are kept as URLs have them", async () => {
    const hosts = ["0x0a.0.0.7:443", "[0:0::1]:8080", "API.example.com:00443"];
    const { body } = await set("CANONICAL", { hosts });
    expect(body).toMatchObject({ hosts: ["10.0.0.7:443", "[::1]:8080", "api.example.com:443"] });
  });

  test("only admins see secrets, and API tokens of admins cannot change them", async () => {
    await set("GUARDED");
    for (const answer of [await user.get(PATH), await user.put(`${PATH}/GUARDED`, { value: VALUE })])
      expect(answer.status).toBe(403);
    const { body } = await admin.post<{ token: string }>("/api/v1/auth/tokens", { name: "robot" });
    const robot = admin.as({ access: body.token, refresh: "", user: { id: admin.userId } });
    expect((await robot.get(`${PATH}/GUARDED`)).status).toBe(200);
    for (const answer of [
      await robot.put(`${PATH}/GUARDED`, { value: VALUE }),
      await robot.delete(`${PATH}/GUARDED`),
    ])
      expect(answer.status).toBe(403);
  });

  test("neither the row, the audit log nor the request log has the value", async () => {
    await set("STORED", { value: "visible-nowhere-123" });
    await resolveSecrets(rowmill.ctx, { a: "{{secret:STORED}}" }, byAdmin);
    for (const table of ["secrets", "audit_log", "request_log"]) {
      const { rows } = await rowmill.ctx.pool.query(
        `SELECT line::text, encode(convert_to('visible-nowhere-123', 'UTF8'), 'hex') AS hex FROM rowmill.${table} AS line`,
      );
      for (const { line, hex } of rows) {
        expect(line).not.toContain("visible-nowhere");
        expect(line).not.toContain(hex);
      }
    }
  });

  test("the same value never has the same ciphertext", async () => {
    await set("ONE");
    await set("TWO");
    const { rows } = await rowmill.ctx.pool.query(
      "SELECT count(DISTINCT encrypted)::int AS different FROM rowmill.secrets WHERE name IN ('ONE', 'TWO')",
    );
    expect(rows).toEqual([{ different: 2 }]);
  });
});

describe("texts with secrets", () => {
  test("get their values, and the values are hidden in answers in every usual notation", async () => {
    await set("TOKEN");
    const headers = { authorization: "Bearer {{secret:TOKEN}}", accept: "text/plain" };
    const { texts, hidden } = await resolveSecrets(rowmill.ctx, headers, byAdmin);
    expect(texts).toEqual({ authorization: `Bearer ${VALUE}`, accept: "text/plain" });
    const echo = [VALUE, JSON.stringify({ got: VALUE }), encodeURIComponent(VALUE), btoa(VALUE)].join("\n");
    expect(redact(echo, hidden)).not.toContain("51f8c0a7");
    expect(redact(echo, hidden)).not.toContain(btoa(VALUE).slice(0, 12));
    const { body } = await admin.get<SecretView>(`${PATH}/TOKEN`);
    expect(Date.parse(body.last_used_at ?? "")).toBeGreaterThan(Date.now() - 60_000);
  });

  test("texts with secrets are refused if the secret does not exist, by its name", async () => {
    const texts = { authorization: "Bearer {{secret:NOBODY}}" };
    const error = { name: "Permanent", code: "secret_unknown", message: expect.stringContaining("NOBODY") };
    await expect(resolveSecrets(rowmill.ctx, texts, byAdmin)).rejects.toMatchObject(error);
    const saved = requireKnownSecrets(rowmill.ctx, Object.values(texts), "headers", byAdmin);
    await expect(saved).rejects.toMatchObject({
      code: "invalid_input",
      fieldErrors: { headers: [expect.stringContaining("PUT /api/v1/admin/secrets/NOBODY")] },
    });
    const broken = ["{{secret:nobody}}"];
    await expect(requireKnownSecrets(rowmill.ctx, broken, "headers", byAdmin)).rejects.toThrow(
      "without a valid name",
    );
    await expect(resolveSecrets(rowmill.ctx, { x: "{{ secret:A }}" }, byAdmin)).rejects.toThrow(
      "without a valid name",
    );
  });

  test("the texts of users get only shared secrets, and only for their hosts", async () => {
    await set("PRIVATE");
    await set("COMMON", { hosts: ["api.example.com", "10.0.0.7:8080"], is_shared: true });
    const send = (name: string, use: typeof byUser | { url: string; role: "user" }) =>
      readSecrets(rowmill.ctx, [name], use);
    await expect(send("PRIVATE", byUser)).rejects.toMatchObject({
      name: "Permanent",
      code: "secret_refused",
    });
    expect((await send("COMMON", byUser)).get("COMMON")).toBe(VALUE);
    expect((await send("COMMON", { url: "http://10.0.0.7:8080/", role: "user" })).size).toBe(1);
    for (const other of [
      "https://evil.example.com/",
      "https://api.example.com.evil.com/",
      "http://10.0.0.7/",
    ])
      await expect(send("COMMON", { url: other, role: "user" })).rejects.toThrow("may not be sent to");
    const use = { texts: [], names: ["PRIVATE"], field: "sign_with", url };
    await expect(requireUsableSecrets(rowmill.ctx, [use], async () => "user")).rejects.toThrow(
      "sign_with: names the secret PRIVATE, which is only for requests of administrators.",
    );
  });

  test("a value whose hosts were changed in the database is not sent anywhere", async () => {
    await set("BOUND", { hosts: ["api.example.com"] });
    await rowmill.ctx.pool.query(
      "UPDATE rowmill.secrets SET hosts = '{evil.example.com}' WHERE name = 'BOUND'",
    );
    const use = { url: "https://evil.example.com/", role: "admin" } as const;
    await expect(readSecrets(rowmill.ctx, ["BOUND"], use)).rejects.toMatchObject({
      code: "secret_unreadable",
    });
  });
});

describe("keys", () => {
  const OLD = "the key before the rotation, long enough";
  const NEW = "the key after the rotation, long enough";

  const secret = { value: VALUE, hosts: [], isShared: false };

  test("without a key, setting a secret answers 409 and says what to set", async () => {
    await using other = await startRowmill({ SECRETS_KEY: "" });
    const root = await newAdmin(other, "root of another");
    const { status, body } = await root.put<Problem>(`${PATH}/NO_KEY`, { value: VALUE });
    expect(status).toBe(409);
    expect(body.detail).toContain("SECRETS_KEY is not set");
    expect(body.detail).toContain("openssl rand -base64 48");
  });

  test("another key cannot read a secret, and a rotation with the previous one makes it the only one", async () => {
    const before = withKeys(OLD);
    await setSecret(before, "ROTATED", secret);
    const unreadable = { name: "Retryable", code: "secret_unreadable" };
    await expect(readSecrets(withKeys(NEW), ["ROTATED"], byAdmin)).rejects.toMatchObject(unreadable);
    const both = withKeys(NEW, OLD);
    expect((await readSecrets(both, ["ROTATED"], byAdmin)).get("ROTATED")).toBe(VALUE);
    const rotated = await rotateSecrets(both);
    expect(rotated.changed).toEqual(["ROTATED"]);
    // The secrets of the other tests have the key of the tests.
    expect(Object.keys(rotated.failed)).toContain("COMMON");
    expect((await readSecrets(withKeys(NEW), ["ROTATED"], byAdmin)).get("ROTATED")).toBe(VALUE);
    await expect(readSecrets(before, ["ROTATED"], byAdmin)).rejects.toMatchObject(unreadable);
    expect((await rotateSecrets(both)).changed).toEqual([]);
  });

  test("the commands list, delete and rotate secrets, and refuse names in lower case", async () => {
    await set("LISTED", { hosts: ["api.example.com"] });
    expect(await printed(rowmill, "secrets list")).toMatch(/LISTED +api\.example\.com +no/);
    expect(await printed(rowmill, "secrets delete LISTED")).toContain("The secret LISTED is deleted.");
    const session = { config: rowmill.config, connect: async () => rowmill.ctx };
    await expect(findCommand(["secrets", "delete", "listed"])?.(session)).rejects.toThrow("capital letter");
  });
});

test("there are at most 200 secrets", async () => {
  await rowmill.ctx.pool.query(
    `INSERT INTO rowmill.secrets (name, key_id, encrypted, hosts, is_shared)
     SELECT 'MANY_' || n, '', '', '{}', false FROM generate_series(1, 200) AS n`,
  );
  const { status, body } = await set("ONE_MORE");
  expect([status, body.detail]).toEqual([409, expect.stringContaining("200 secrets")]);
});

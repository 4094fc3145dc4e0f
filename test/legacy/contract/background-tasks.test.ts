/** The document of the Django service with Celery background tasks, request by request, in its order. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TaskView } from "../../../src/tasks/views.ts";
import type { Client } from "../../support/client.ts";
import { A_MOMENT, A_NUMBER, A_SECRET } from "../../support/formats.ts";
import { MailServer } from "../../support/mail-server.ts";
import { replay, typeCommand } from "../../support/replay.ts";
import { makeTask, untilEnded } from "../../support/task-client.ts";
import { until } from "../../support/until.ts";
import { useAdmin, useRowmill } from "../../support/use-rowmill.ts";

interface Registered {
  user_id: number;
  token: string;
}

const server = await new MailServer().start();
afterAll(() => server[Symbol.asyncDispose]());

const rowmill = useRowmill({ settings: server.settings, worker: true });
const admin = useAdmin(rowmill);
let client: Client;
beforeAll(() => {
  client = rowmill.client;
});

const registered = (username: string) => ({
  message: "User registered successfully!",
  user_id: A_NUMBER,
  username,
  token: A_SECRET,
  email_sent: "Welcome email will be sent shortly",
});

let newUser: Registered;
let testUser: Registered;

const withToken = (path: string, token: string) =>
  replay(client, `GET ${path}\nAuthorization: Token <token>`, { token });

test("background tasks, registration flow: 201 with a token, and a welcome email in two formats", async () => {
  const { status, body } = await replay<Registered>(
    client,
    `POST /api/register/
    Content-Type: application/json

    {
        "username": "newuser",
        "email": "user@example.com",
        "password": "securepass123"
    }`,
  );
  expect([status, body]).toEqual([201, registered("newuser")]);
  newUser = body;
  const { content } = await until(
    "the mail arrives",
    async () => server.mailsTo("user@example.com")[0] ?? null,
  );
  expect(content).toMatch(/^content-type: text\/plain/im);
  expect(content).toMatch(/^content-type: text\/html/im);
  expect(content).toMatch(/^Username +newuser\r$/m);
  expect(content).toMatch(/^Email +user@example.com\r$/m);
});

test("background tasks, registration email: the curl command registers a user with names", async () => {
  const output = await typeCommand(
    rowmill,
    `curl -X POST http://localhost:8000/api/register/ \\
  -H "Content-Type: application/json" \\
  -d '{
    "username": "testuser123",
    "email": "test@example.com",
    "password": "securepass123",
    "first_name": "Test",
    "last_name": "User"
  }'`,
  );
  testUser = JSON.parse(output);
  expect(testUser).toEqual(registered("testuser123"));
});

test("background tasks, endpoints that it names: login, profile, public, protected and the documentation", async () => {
  const { status, body } = await replay<Registered>(
    client,
    `POST /api/login/
    Content-Type: application/json

    { "username": "testuser123", "password": "securepass123" }`,
  );
  const message = "Login successful!";
  expect([status, body]).toEqual([
    200,
    { message, user_id: testUser.user_id, username: "testuser123", token: A_SECRET },
  ]);
  expect(body.token).not.toBe(testUser.token);
  for (const token of [testUser.token, body.token]) {
    expect((await withToken("/api/profile/", token)).body).toEqual({
      id: testUser.user_id,
      username: "testuser123",
      email: "test@example.com",
      first_name: "Test",
      last_name: "User",
      date_joined: A_MOMENT,
    });
    expect((await withToken("/api/protected/", token)).body).toEqual({
      message: "Hello, testuser123! Your token is valid.",
    });
  }
  const bearer = { authorization: `Bearer ${newUser.token}` };
  expect((await client.get("/api/protected/", bearer)).status).toBe(200);
  expect((await client.get("/api/public/")).body).toEqual({
    message: "This is a public endpoint. It needs no token.",
  });
  for (const path of ["/api/protected/", "/api/profile/"]) {
    expect((await client.get(path)).status).toBe(401);
    expect((await withToken(path, "rmt_wrong")).status).toBe(401);
  }
  expect((await client.get("/api/docs/")).status).toBe(200);
});

async function run(type: string, params: object): Promise<TaskView> {
  const { id } = await makeTask(admin, { type, params });
  return untilEnded(admin, id);
}

test("background tasks, manual task execution: the results of the two tasks", async () => {
  expect(await run("send_welcome_email", { user_id: newUser.user_id })).toMatchObject({
    status: "completed",
    result: { message: "Welcome email sent to user@example.com" },
  });
  const date = new Date().toISOString().slice(0, 10);
  const { result } = await run("generate_daily_report", { date });
  expect(result).toMatchObject({
    date,
    total_requests: A_NUMBER,
    successful_requests: A_NUMBER,
    failed_requests: A_NUMBER,
    unique_users: A_NUMBER,
    unique_ips: A_NUMBER,
    top_endpoints: expect.any(Object),
  });
});

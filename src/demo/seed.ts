/** Fills a development database with accounts, with batches and tasks in every state, and with a week of history. */
import { eq, notInArray } from "drizzle-orm";
import { signUp } from "../accounts/sign-up.ts";
import { createApp } from "../app.ts";
import type { BatchView } from "../batches/views.ts";
import { ConfigError, DomainError } from "../errors.ts";
import { type OpenContext, openContext } from "../open-context.ts";
import { type Role, users } from "../schema/accounts.ts";
import { takeJobs } from "../take-jobs.ts";
import { ApiClient, ApiError } from "./api-client.ts";
import { interruptUpload } from "./interrupted-upload.ts";
import { seedBatches } from "./seed-batches.ts";
import { seedOperations } from "./seed-operations.ts";
import { seedTasks } from "./seed-tasks.ts";

export const PASSWORD = "development";
export const ACCOUNTS: Readonly<Record<Role, string>> = {
  user: "dev-user",
  operator: "dev-operator",
  admin: "dev-admin",
};
const TOKEN = "development";

/** Adds what is missing. @throws ConfigError if the database has other accounts and `force` is not set */
export async function seedDatabase(ctx: OpenContext, force: boolean): Promise<void> {
  if (!force) await refuseRealAccounts(ctx);
  await using resources = new AsyncDisposableStack();
  const app = await createApp(ctx);
  resources.defer(() => app.close());
  const url = await app.listen({ host: "127.0.0.1", port: 0 });

  console.log(`Accounts, all with the password "${PASSWORD}":`);
  const userId = await createAccounts(ctx);
  const api = await ApiClient.signIn(url, { username: ACCOUNTS.user, password: PASSWORD });
  console.log(`API token of ${ACCOUNTS.user}: ${await createToken(api)}`);

  const before = new Set((await batchesOf(api)).map(({ state }) => state));
  // This worker stops with running jobs, which would be logged as a warning.
  const log = ctx.log.child({}, { level: "error" });
  const worker = await openContext({ ...ctx.config, workerQueues: null }, log, "work");
  resources.defer(() => worker.close(0));
  using _taking = await takeJobs(worker);
  const batches = await seedBatches(api, before);
  const tasks = await seedTasks(api);
  const admin = await ApiClient.signIn(url, { username: ACCOUNTS.admin, password: PASSWORD });
  const others = await seedOperations(ctx, userId, { user: api, admin });
  // Running jobs go back to the queue, and their tasks and batches stay in progress.
  await worker.queue.stop(0);
  const completed = await batches.complete();
  if (!before.has("receiving")) {
    await interruptUpload(ctx, userId, async () => {
      return (await batchesOf(api)).some(({ state, counts }) => state === "receiving" && counts.total > 0);
    });
    completed.push("receiving");
  }
  console.log(`Batches created: ${listed([...batches.created, ...completed])}`);
  console.log(`Tasks created:   ${listed(tasks)}`);
  console.log(`Others created:  ${listed(others)}`);
  console.log(`
They belong to ${ACCOUNTS.user}. A worker soon completes the batches in queued and undoing, and removes the one in
receiving. Run the command again to add the states that are missing then.`);
}

async function refuseRealAccounts({ db }: OpenContext): Promise<void> {
  const known = [...Object.values(ACCOUNTS), "demo"];
  const count = await db.$count(users, notInArray(users.username, known));
  if (count === 0) return;
  throw new ConfigError(
    `The database has ${count} account(s) that are not sample accounts. To seed it anyway: npm run seed -- --force`,
  );
}

/** @returns the id of the user to whom batches and tasks belong */
async function createAccounts(ctx: OpenContext): Promise<number> {
  for (const [role, username] of Object.entries(ACCOUNTS) as [Role, string][]) {
    const account = { username, password: PASSWORD, email: "", role, passwordMinLength: 1 };
    await signUp(ctx, account).catch((error: unknown) => {
      if (!(error instanceof DomainError && error.code === "conflict")) throw error;
    });
    console.log(`  ${username.padEnd(14)} ${role}`);
  }
  const [user] = await ctx.db.select({ id: users.id }).from(users).where(eq(users.username, ACCOUNTS.user));
  return user?.id ?? 0;
}

async function createToken(api: ApiClient): Promise<string> {
  try {
    const { token } = await api.post<{ token: string }>("/api/v1/auth/tokens", { name: TOKEN });
    return `${token} (shown only once)`;
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 409)) throw error;
    return `"${TOKEN}" exists already`;
  }
}

async function batchesOf(api: ApiClient): Promise<BatchView[]> {
  return (await api.get<{ items: BatchView[] }>("/api/v1/batches?limit=1000")).items;
}

function listed(states: readonly string[]): string {
  return states.length > 0 ? states.join(", ") : "none, all exist already";
}

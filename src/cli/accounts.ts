import { randomBytes } from "node:crypto";
import { text as readText } from "node:stream/consumers";
import { confirmAccount } from "../accounts/confirm/confirm-email.ts";
import { changePassword } from "../accounts/control/change-password.ts";
import { disableAccount, enableAccount } from "../accounts/control/disable-account.ts";
import { logOutEverywhere, revokeAllTokens } from "../accounts/control/end-logins.ts";
import { setRole } from "../accounts/control/set-role.ts";
import { type Account, type AccountFilter, findByName, listAccounts } from "../accounts/queries.ts";
import { endSession } from "../accounts/sessions/end-sessions.ts";
import { listSessions } from "../accounts/sessions/queries.ts";
import { viewSession } from "../accounts/sessions/views.ts";
import { signUp } from "../accounts/sign-up.ts";
import { viewAccount } from "../accounts/views.ts";
import type { Context } from "../context.ts";
import { ConfigError } from "../errors.ts";
import type { OpenContext } from "../open-context.ts";
import { isUuid } from "../platform/ids.ts";
import { command, flag, type Session, text } from "./command.ts";
import { limitOf, roleNamed } from "./named.ts";
import { pagesOf, printJson, show } from "./table.ts";

export const createAdmin = command({
  name: "create-admin",
  usage: "NAME [--email ADDRESS]",
  summary: "Create an administrator. Reads the password from standard input; at a terminal, generates one.",
  takesArgument: true,
  options: { email: { ...text, default: "" } },
  async run({ config, connect }, { email }, username) {
    if (!username) throw new ConfigError("The name is missing. Usage: npm run cli -- create-admin NAME");
    const { password, isGenerated } = await readPassword();
    const { passwordMinLength } = config;
    const ctx = await connect();
    const admin = await signUp(ctx, {
      username,
      password,
      email,
      role: "admin",
      passwordMinLength,
      isConfirmed: true,
    });
    console.log(`Created the administrator "${admin.username}" (id ${admin.id}).`);
    if (isGenerated) console.log(`Password, shown only once: ${password}`);
  },
});

const json = { json: flag } as const;

export const accountCommands = [
  command({
    name: "accounts list",
    usage: "[--search TEXT] [--role ROLE] [--disabled] [--limit 20] [--json]",
    summary: "List accounts, oldest first. --search looks into names and addresses.",
    options: { search: text, role: text, disabled: flag, limit: { ...text, default: "20" }, ...json },
    async run({ connect }, { search, role, disabled, limit, json }) {
      const filter: AccountFilter = {
        ...(search === undefined ? {} : { search }),
        ...(role === undefined ? {} : { role: roleNamed(role) }),
        ...(disabled ? { isDisabled: true } : {}),
      };
      const ctx = await connect();
      const pages = pagesOf<Account>(limitOf(limit), (left, last, searchedTo) =>
        listAccounts(ctx, filter, { after: Number(searchedTo?.key ?? last?.id ?? 0), limit: left }),
      );
      const accounts: Account[] = [];
      for await (const page of pages) accounts.push(...page);
      showAccounts(json, accounts);
    },
  }),

  command({
    name: "accounts get",
    usage: "NAME [--json]",
    summary: "Show one account.",
    takesArgument: true,
    options: json,
    run: (session, { json }, name) =>
      onAccount(session, name, async (_, account) => showAccounts(json, [account])),
  }),

  command({
    name: "accounts set-role",
    usage: "NAME ROLE [--json]",
    summary:
      "Give an account another role: user, operator or admin. Its sessions and API tokens go on with it.",
    takesArgument: 2,
    options: json,
    run: (session, { json }, name, role) => {
      const newRole = roleNamed(role);
      return onAccount(session, name, async (ctx, { id }) =>
        showAccounts(json, [await setRole(ctx, id, newRole)]),
      );
    },
  }),

  command({
    name: "accounts disable",
    usage: "NAME [--json]",
    summary: "Disable an account: refuse its credentials and end its sessions. Its batches and tasks go on.",
    takesArgument: true,
    options: json,
    run: (session, { json }, name) =>
      onAccount(session, name, async (ctx, { id }) => showAccounts(json, [await disableAccount(ctx, id)])),
  }),

  command({
    name: "accounts enable",
    usage: "NAME [--json]",
    summary: "Enable a disabled account.",
    takesArgument: true,
    options: json,
    run: (session, { json }, name) =>
      onAccount(session, name, async (ctx, { id }) => showAccounts(json, [await enableAccount(ctx, id)])),
  }),

  command({
    name: "accounts confirm-email",
    usage: "NAME [--json]",
    summary: "Confirm the email address of an account, which then gets mail about its uploads and tasks.",
    takesArgument: true,
    options: json,
    run: (session, { json }, name) =>
      onAccount(session, name, async (ctx, { id }) => showAccounts(json, [await confirmAccount(ctx, id)])),
  }),

  command({
    name: "accounts set-password",
    usage: "NAME [--keep-api-tokens]",
    summary:
      "Set a password, and end all sessions and API tokens. Reads the password like create-admin does.",
    takesArgument: true,
    options: { "keep-api-tokens": flag },
    run: (session, values, name) =>
      onAccount(session, name, async (ctx, { id, username }) => {
        const { password, isGenerated } = await readPassword();
        const keepsApiTokens = values["keep-api-tokens"];
        await changePassword(ctx, id, { password, by: "command", keptSession: null, keepsApiTokens });
        console.log(`Set the password of "${username}".`);
        if (isGenerated) console.log(`Password, shown only once: ${password}`);
      }),
  }),

  command({
    name: "accounts sessions",
    usage: "NAME [--limit 20] [--json]",
    summary: "List the sessions of an account, newest first.",
    takesArgument: true,
    options: { limit: { ...text, default: "20" }, ...json },
    run: (session, { limit, json }, name) =>
      onAccount(session, name, async (ctx, { id }) => {
        const found = await listSessions(ctx, id, { before: null, limit: limitOf(limit) });
        const views = found.map((one) => viewSession(one, null));
        show(json, views, ({ id, created_at, last_used_at, address, user_agent }) => ({
          id,
          created: created_at,
          "last used": last_used_at,
          address,
          client: user_agent.slice(0, 60),
        }));
      }),
  }),

  command({
    name: "accounts log-out",
    usage: "NAME [--session ID] [--json]",
    summary: "End all sessions of an account, or one. API tokens stay valid.",
    takesArgument: true,
    options: { session: text, ...json },
    run: (session, values, name) =>
      onAccount(session, name, async (ctx, { id }) => {
        const ended = await endSessionsOf(ctx, id, values.session);
        report(values.json, { ended }, `Ended ${ended} session(s).`);
      }),
  }),

  command({
    name: "accounts revoke-tokens",
    usage: "NAME [--json]",
    summary: "Revoke all API tokens of an account.",
    takesArgument: true,
    options: json,
    run: (session, { json }, name) =>
      onAccount(session, name, async (ctx, { id }) => {
        const revoked = await revokeAllTokens(ctx, id);
        report(json, { revoked }, `Revoked ${revoked} API token(s).`);
      }),
  }),
];

async function endSessionsOf(ctx: Context, userId: number, sessionId: string | undefined): Promise<number> {
  if (sessionId === undefined) return logOutEverywhere(ctx, userId);
  if (!isUuid(sessionId))
    throw new ConfigError(
      `--session: "${sessionId}" is not the id of a session. \`accounts sessions\` lists them.`,
    );
  await endSession(ctx, userId, sessionId);
  return 1;
}

async function readPassword(): Promise<{ password: string; isGenerated: boolean }> {
  const input = process.stdin.isTTY ? "" : (await readText(process.stdin)).trim();
  return { password: input || randomBytes(15).toString("base64url"), isGenerated: input === "" };
}

/** @throws ConfigError if the name is missing or no account has it */
async function onAccount(
  { connect }: Session,
  name: string | undefined,
  run: (ctx: OpenContext, account: Account) => Promise<void>,
): Promise<void> {
  if (!name) throw new ConfigError("The name of the account is missing. `accounts list` shows the names.");
  const ctx = await connect();
  const account = await findByName(ctx, name);
  if (!account) throw new ConfigError(`No account is named "${name}". \`accounts list\` shows the names.`);
  await run(ctx, account);
}

function showAccounts(json: boolean, accounts: readonly Account[]): void {
  show(json, accounts.map(viewAccount), ({ id, username, role, email, created_at, disabled_at }) => ({
    id,
    username,
    role,
    email,
    created: created_at,
    disabled: disabled_at ?? "no",
  }));
}

function report(json: boolean, counts: object, message: string): void {
  if (json) printJson(counts);
  else console.log(message);
}

import { hostname } from "node:os";
import { createClient, type RowmillClient, RowmillError } from "../client/index.ts";
import { ConfigError } from "../errors.ts";
import { ask, askPassword } from "./ask.ts";
import { command, flag, type Session, text } from "./command.ts";
import { type Login, loginPath, readLogin, removeLogin, serverUrl, writeLogin } from "./login-file.ts";
import { note, print, printJson, type Terminal } from "./terminal.ts";

export const loginCommands = [
  command({
    name: "login",
    usage: "URL [--user NAME] [--token TOKEN]",
    summary: "Log in to a server, and remember it.",
    details: `Asks for name and password, and creates an API token with them. Only the token is stored, in a file that only
you can read: $XDG_CONFIG_HOME/rowmill/login.json, by default ~/.config/rowmill/login.json. Without a terminal, the
password is read from standard input. --token stores a token that you have created before.

ROWMILL_URL and ROWMILL_TOKEN come before this file; use them in scripts.`,
    takes: ["URL"],
    options: { user: text, token: text },
    async run({ terminal }, { user, token }, [address = ""]) {
      const url = serverUrl(address);
      warnIfReadable(terminal, url);
      const login =
        token === undefined ? await createToken(terminal, url, user) : await checkToken(url, token);
      await writeLogin(terminal.env, login);
      note(terminal, `Logged in to ${url} as ${login.username}. The token is in ${loginPath(terminal.env)}.`);
    },
  }),

  command({
    name: "logout",
    usage: "",
    summary: "Revoke the token that login has created, and forget the server.",
    options: {},
    async run({ terminal }) {
      const login = await readLogin(terminal.env);
      if (!login) throw new ConfigError("Not logged in.");
      await revoke(login, terminal.interrupted);
      await removeLogin(terminal.env);
      const kept = login.token_id === null ? " The token itself stays valid." : "";
      note(terminal, `Logged out of ${login.url}.${kept}`);
    },
  }),

  command({
    name: "whoami",
    usage: "[--json]",
    summary: "Show the account that this command uses.",
    options: { json: flag },
    async run({ terminal, connect }: Session, { json }) {
      const user = await (await connect()).get("/api/v1/auth/me", { signal: terminal.interrupted });
      await (json ? printJson(terminal, user) : print(terminal, `${user.username} (${user.role})`));
    },
  }),
];

function warnIfReadable(terminal: Terminal, url: string): void {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:" || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return;
  note(terminal, `Warning: ${url} has no TLS. Everybody on the way can read the password and the token.`);
}

async function checkToken(url: string, token: string): Promise<Login> {
  const { username } = await createClient({ baseUrl: url, token }).get("/api/v1/auth/me");
  return { url, token, token_id: null, username };
}

async function createToken(terminal: Terminal, url: string, user: string | undefined): Promise<Login> {
  const name = user ?? (await ask(terminal, "Username", "--user"));
  const password = await askPassword(terminal);
  const guest = createClient({ baseUrl: url });
  const signal = terminal.interrupted;
  const session = await guest.post("/api/v1/auth/login", { body: { username: name, password }, signal });
  const client = createClient({ baseUrl: url, token: session.access });
  const { token, id } = await newToken(client, signal);
  await client.post("/api/v1/auth/logout", { body: { refresh: session.refresh }, signal });
  return { url, token, token_id: id, username: session.user.username };
}

/** Names of tokens are unique per user. */
async function newToken(client: RowmillClient, signal: AbortSignal) {
  const name = `rowmill on ${hostname()}`.slice(0, 70);
  const create = (name: string) => client.post("/api/v1/auth/tokens", { body: { name }, signal });
  return create(name).catch((error: unknown) => {
    if (!(error instanceof RowmillError) || error.code !== "conflict") throw error;
    return create(`${name}, ${new Date().toISOString()}`);
  });
}

async function revoke({ url, token, token_id }: Login, signal: AbortSignal): Promise<void> {
  if (token_id === null) return;
  const client = createClient({ baseUrl: url, token });
  await client
    .delete("/api/v1/auth/tokens/{id}", { path: { id: token_id }, signal })
    .catch((error: unknown) => {
      // It was revoked before.
      if (!(error instanceof RowmillError) || error.status !== 401) throw error;
    });
}

/** One account with every kind of login, and whether each of them still works. */

import { PASSWORD } from "./auth.ts";
import type { Client } from "./client.ts";
import { EventClient } from "./events.ts";
import { until } from "./until.ts";

const ME = "/api/v1/auth/me";

/** The answer of each login, such as `200 user`, `401 unauthenticated`, or `open` and `ended` for event streams. */
export type Logins = Readonly<Record<string, string>>;

export interface Account {
  readonly username: string;
  /** The session that a test ends. */
  readonly first: Client;
  /** A session on another device. */
  readonly second: Client;
  readonly apiToken: string;
  readonly tokenId: number;
}

export async function newAccount(client: Client, username: string): Promise<Account> {
  const first = await client.signUp(username);
  const second = await client.logIn(username, PASSWORD);
  const { body } = await first.post<{ id: number; token: string }>("/api/v1/auth/tokens", { name: "robot" });
  return { username, first, second, apiToken: body.token, tokenId: body.id };
}

/** Uses every login of an account at one API. */
export class LoginProbe implements Disposable {
  readonly #client: Client;
  readonly #headers: Readonly<Record<string, Record<string, string>>>;
  readonly #streams = new Map<string, EventClient<unknown>>();

  constructor(client: Client, { username, first, second, apiToken }: Account) {
    this.#client = client;
    this.#headers = {
      first: { authorization: `Bearer ${first.token}` },
      second: { authorization: `Bearer ${second.token}` },
      cookie: { cookie: `access_token=${first.token}` },
      apiToken: { authorization: `Token ${apiToken}` },
      basic: { authorization: `Basic ${Buffer.from(`${username}:${PASSWORD}`).toString("base64")}` },
    };
  }

  /** Opens an event stream of the batch with every login. */
  async openStreams(batchId: string): Promise<void> {
    for (const [name, headers] of Object.entries(this.#headers)) {
      const path = `/api/v1/batches/${batchId}/events`;
      this.#streams.set(`${name}Stream`, await EventClient.open(this.#client.url + path, headers));
    }
    await until("every stream has an event", async () =>
      [...this.#streams.values()].every(({ events }) => events.length > 0),
    );
  }

  async look(): Promise<Logins> {
    const answers = await Promise.all(
      Object.entries(this.#headers).map(async ([name, headers]) => {
        const { status, body } = await this.#client.get<{ role?: string; code?: string }>(ME, headers);
        return [name, `${status} ${body.role ?? body.code}`] as const;
      }),
    );
    const streams = [...this.#streams].map(
      ([name, { isEnded }]) => [name, isEnded ? "ended" : "open"] as const,
    );
    return Object.fromEntries([...answers, ...streams]);
  }

  /** Waits until the logins answer as expected. @returns the time in milliseconds */
  async sees(expected: Logins, timeoutMs: number): Promise<number> {
    const start = performance.now();
    let seen: Logins = {};
    const areEqual = async () => {
      seen = await this.look();
      return Object.entries(expected).every(([name, answer]) => seen[name] === answer);
    };
    await until(`the logins answer ${JSON.stringify(expected)}`, areEqual, timeoutMs).catch((error) => {
      throw new Error(`The logins answered ${JSON.stringify(seen)}.`, { cause: error });
    });
    return performance.now() - start;
  }

  [Symbol.dispose](): void {
    for (const stream of this.#streams.values()) stream.leave();
  }
}

/** Signing up, logging in and using tokens over HTTP. */
import type { Answer, Client, Problem } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

export const AUTH = "/api/v1/auth";
export const PASSWORD = "correct horse";

export interface Session {
  access: string;
  refresh: string;
  expires_in: number;
  user: { id: number; username: string; role: string };
}

export type SessionAnswer = Promise<Answer<Session & Problem>>;

export function authOf(rowmill: Pick<Rowmill, "client">) {
  const logIn = (
    username: string,
    password = PASSWORD,
    { client }: { client: Client } = rowmill,
  ): SessionAnswer => client.post(`${AUTH}/login`, { username, password });
  return {
    logIn,
    signUp: (username: unknown, more: object = {}): SessionAnswer =>
      rowmill.client.post(`${AUTH}/signup`, { username, password: PASSWORD, ...more }),
    newSession: async (username: string): Promise<Session> => {
      await rowmill.client.signUp(username);
      return (await logIn(username)).body;
    },
    refreshWith: (refresh: string): SessionAnswer => rowmill.client.post(`${AUTH}/refresh`, { refresh }),
    meWith: (token: string): Promise<Answer> =>
      rowmill.client.get(`${AUTH}/me`, { authorization: `Bearer ${token}` }),
  };
}

export interface Cookie {
  readonly value: string;
  /** Names in lower case. */
  readonly attributes: ReadonlyMap<string, string>;
}

export function cookiesOf(headers: Headers): Map<string, Cookie> {
  return new Map(
    headers.getSetCookie().map((line) => {
      const [[name, value], ...attributes] = line.split("; ").map((part): [string, string] => {
        const at = part.indexOf("=");
        return at === -1 ? [part, ""] : [part.slice(0, at), part.slice(at + 1)];
      }) as [[string, string], ...[string, string][]];
      return [
        name,
        { value, attributes: new Map(attributes.map(([key, text]) => [key.toLowerCase(), text])) },
      ];
    }),
  );
}

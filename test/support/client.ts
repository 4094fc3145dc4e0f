/** The API as a client sees it: real HTTP, every answer checked against the OpenAPI document. */
import type { FastifyInstance } from "fastify";
import type { RowView } from "../../src/batches/row-views.ts";
import type { BatchView } from "../../src/batches/views.ts";
import { checkAnswer } from "./openapi.ts";
import { until } from "./until.ts";

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export type Problem = {
  status: number;
  code: string;
  detail: string;
  error: string;
  field_errors: Record<string, string[]>;
};

type App = Pick<FastifyInstance, "swagger">;

export class Client {
  readonly url: string;
  readonly token: string;
  readonly refresh: string;
  readonly userId: number;
  readonly #app: App;

  constructor(url: string, app: App, session = { access: "", refresh: "", user: { id: 0 } }) {
    this.url = url;
    this.#app = app;
    this.token = session.access;
    this.refresh = session.refresh;
    this.userId = session.user.id;
  }

  async signUp(username: string, password = "correct horse"): Promise<Client> {
    const { body, status } = await this.post<{ access: string; refresh: string; user: { id: number } }>(
      "/api/v1/auth/signup",
      {
        username,
        password,
      },
    );
    if (status !== 201) throw new Error(`signup answered ${status}: ${JSON.stringify(body)}`);
    return new Client(this.url, this.#app, body);
  }

  async logIn(username: string, password: string): Promise<Client> {
    const { body, status } = await this.post<{ access: string; refresh: string; user: { id: number } }>(
      "/api/v1/auth/login",
      { username, password },
    );
    if (status !== 200) throw new Error(`login answered ${status}: ${JSON.stringify(body)}`);
    return new Client(this.url, this.#app, body);
  }

  /** A client of somebody who has logged in. */
  as(session: { access: string; refresh: string; user: { id: number } }): Client {
    return new Client(this.url, this.#app, session);
  }

  get<T = Record<string, unknown>>(path: string, headers: Record<string, string> = {}): Promise<Answer<T>> {
    return this.send<T>("GET", path, { headers });
  }

  post<T = Record<string, unknown>>(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    if (body === undefined) return this.send<T>("POST", path, { headers });
    return this.send<T>("POST", path, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...headers },
    });
  }

  patch<T = Record<string, unknown>>(path: string, body: unknown): Promise<Answer<T>> {
    return this.send<T>("PATCH", path, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  }

  put<T = Record<string, unknown>>(path: string, body: unknown): Promise<Answer<T>> {
    return this.send<T>("PUT", path, {
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
  }

  delete<T = Record<string, unknown>>(path: string): Promise<Answer<T>> {
    return this.send<T>("DELETE", path);
  }

  /** Sends a multipart form: texts as fields, bytes as files, in their order. */
  form<T = Record<string, unknown>>(
    method: string,
    path: string,
    fields: Record<string, string | Uint8Array>,
    filename = "picture.jpg",
  ): Promise<Answer<T>> {
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      if (typeof value === "string") body.set(name, value);
      else body.set(name, new Blob([value as Uint8Array<ArrayBuffer>]), filename);
    }
    return this.send<T>(method, path, { body });
  }

  /** Gets bytes, by a path or by a URL that an answer gave. */
  async download(location: string, headers: Record<string, string> = {}): Promise<Answer<Buffer>> {
    const path = new URL(location, this.url).pathname;
    const response = await fetch(this.url + path, { headers });
    const body = Buffer.from(await response.arrayBuffer());
    const isJson = response.headers.get("content-type")?.includes("json");
    checkAnswer(
      this.#app,
      "GET",
      path,
      response,
      isJson ? JSON.parse(body.toString()) : body.toString("latin1"),
    );
    return { status: response.status, headers: response.headers, body };
  }

  /** Uploads text or bytes as the multipart key `file`. */
  upload<T = BatchView>(
    content: string | Uint8Array | Blob,
    path = "/api/v1/batches?target=books",
    filename = "test.csv",
  ): Promise<Answer<T>> {
    const form = new FormData();
    form.set(
      "file",
      content instanceof Blob ? content : new Blob([content as Uint8Array<ArrayBuffer>]),
      filename,
    );
    return this.send<T>("POST", path, { body: form });
  }

  async send<T = Record<string, unknown>>(
    method: string,
    path: string,
    init: RequestInit = {},
  ): Promise<Answer<T>> {
    const authorization: Record<string, string> = this.token ? { authorization: `Bearer ${this.token}` } : {};
    const response = await fetch(this.url + path, {
      ...init,
      method,
      headers: { ...authorization, ...(init.headers as object) },
    });
    const text = await response.text();
    const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
    const body = isJson ? JSON.parse(text) : text;
    checkAnswer(this.#app, method, path, response, body);
    return { status: response.status, headers: response.headers, body };
  }

  batch(id: string): Promise<Answer<BatchView>> {
    return this.get<BatchView>(`/api/v1/batches/${id}`);
  }

  /** The batch once every row has its result. */
  finished(id: string, timeoutMs?: number): Promise<BatchView> {
    const probe = async () => {
      const { body } = await this.batch(id);
      return body.finished_at ? body : null;
    };
    return until(`batch ${id} is finished`, probe, timeoutMs);
  }

  /** All rows of a batch, through the pages. */
  async rows(id: string, status?: string): Promise<RowView[]> {
    const rows: RowView[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({
        limit: "1000",
        ...(status ? { status } : {}),
        ...(cursor ? { cursor } : {}),
      });
      const page: Answer<{ items: RowView[]; next_cursor: string | null }> = await this.get(
        `/api/v1/batches/${id}/rows?${query}`,
      );
      rows.push(...page.body.items);
      cursor = page.body.next_cursor;
    } while (cursor);
    return rows;
  }
}

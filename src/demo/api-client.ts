/** A minimal client of the HTTP API. */

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export class ApiClient {
  readonly #base: string;
  readonly token: string;

  private constructor(base: string, token: string) {
    this.#base = base;
    this.token = token;
  }

  /** Logs in, after creating the account if it does not exist. */
  static async signIn(base: string, credentials: Credentials): Promise<ApiClient> {
    const guest = new ApiClient(base, "");
    const created = await guest.#post("/api/v1/auth/signup", credentials);
    const response = created.status === 409 ? await guest.#post("/api/v1/auth/login", credentials) : created;
    const { access } = await answerOf<{ access: string }>(response);
    return new ApiClient(base, access);
  }

  async get<T>(path: string): Promise<T> {
    return answerOf(await fetch(this.#base + path, { headers: this.#headers }));
  }

  async post<T>(path: string, body?: object): Promise<T> {
    return answerOf(await this.#post(path, body));
  }

  /** Sends a file as the form field `file`. */
  async upload<T>(path: string, file: Blob, filename: string): Promise<T> {
    const body = new FormData();
    body.set("file", file, filename);
    return answerOf(await fetch(this.#base + path, { method: "POST", body, headers: this.#headers }));
  }

  #post(path: string, body?: object): Promise<Response> {
    const json = body ? { "content-type": "application/json" } : {};
    const headers = { ...this.#headers, ...json };
    return fetch(this.#base + path, { method: "POST", body: body ? JSON.stringify(body) : null, headers });
  }

  get #headers(): Record<string, string> {
    return this.token ? { authorization: `Bearer ${this.token}` } : {};
  }
}

/** An answer of the API that is an error; the message is its `detail`. */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answerOf<T>(response: Response): Promise<T> {
  const answer = (await response.json()) as T & { detail?: string };
  if (!response.ok)
    throw new ApiError(response.status, answer.detail ?? `${response.url} answered ${response.status}`);
  return answer;
}

/** A client of a Rowmill server, for Node.js and browsers. */
import { jsonOf } from "./errors.ts";
import { randomKey } from "./keys.ts";
import type {
  AnswerOf,
  Body,
  CallOptions,
  FilePath,
  ItemOf,
  JsonPath,
  KeyedPath,
  ListPath,
  Method,
  OperationOf,
  PathOf,
  Rest,
  Schemas,
} from "./operations.ts";
import { Transport, type TransportOptions } from "./transport.ts";
import { type UploadControls, type UploadSource, uploadFile } from "./upload.ts";
import { type WaitOptions, waitForEnd } from "./wait.ts";

/** TypeScript reports if the API has others. */
const TAKES_KEY: Readonly<Record<KeyedPath, true>> = {
  "/api/v1/batches": true,
  "/api/v1/tasks": true,
  "/api/v1/tasks/bulk": true,
  "/api/v1/workflows": true,
  "/api/v1/schedules": true,
  "/api/v1/schedules/{schedule_id}/run": true,
};

/** Whether a batch leaves this state only on a command. */
const BATCH_HAS_ENDED: Readonly<Record<Schemas["Batch"]["state"], boolean>> = {
  receiving: false,
  queued: false,
  processing: false,
  paused: false,
  undoing: false,
  deleting: false,
  validated: true,
  completed: true,
  completed_with_errors: true,
  failed: true,
  cancelled: true,
  undone: true,
};

const TASK_HAS_ENDED: Readonly<Record<Schemas["Task"]["status"], boolean>> = {
  pending: false,
  processing: false,
  completed: true,
  failed: true,
  cancelled: true,
};

type Value = string | number | boolean | null | undefined;

/** A request whose types are not checked, for example to a newer server. */
export interface AnyRequest extends CallOptions {
  readonly path?: Readonly<Record<string, Value>>;
  readonly query?: Readonly<Record<string, Value>>;
  readonly body?: unknown;
}

export type BatchOptions = NonNullable<
  OperationOf<"post", "/api/v1/batches"> extends { parameters: { query?: infer Q } } ? Q : never
>;

type Corrections = AnswerOf<OperationOf<"post", "/api/v1/batches/{batch_id}/corrections">>;

export class RowmillClient {
  readonly #transport: Transport;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
  }

  get<P extends JsonPath>(
    path: P,
    ...rest: Rest<OperationOf<"get", P>>
  ): Promise<AnswerOf<OperationOf<"get", P>>> {
    return this.#typed("get", path, rest);
  }

  /** Sends an Idempotency-Key with requests that take one, so that a second attempt has no second effect. */
  post<P extends PathOf<"post">>(
    path: P,
    ...rest: Rest<OperationOf<"post", P>>
  ): Promise<AnswerOf<OperationOf<"post", P>>> {
    return this.#typed("post", path, rest);
  }

  put<P extends PathOf<"put">>(
    path: P,
    ...rest: Rest<OperationOf<"put", P>>
  ): Promise<AnswerOf<OperationOf<"put", P>>> {
    return this.#typed("put", path, rest);
  }

  patch<P extends PathOf<"patch">>(
    path: P,
    ...rest: Rest<OperationOf<"patch", P>>
  ): Promise<AnswerOf<OperationOf<"patch", P>>> {
    return this.#typed("patch", path, rest);
  }

  delete<P extends PathOf<"delete">>(
    path: P,
    ...rest: Rest<OperationOf<"delete", P>>
  ): Promise<AnswerOf<OperationOf<"delete", P>>> {
    return this.#typed("delete", path, rest);
  }

  /** Yields the items of all pages. Each page is requested when it is needed. */
  async *list<P extends ListPath>(
    path: P,
    ...rest: Rest<OperationOf<"get", P>>
  ): AsyncGenerator<ItemOf<OperationOf<"get", P>>, void, undefined> {
    const [request = {}] = rest as [AnyRequest?];
    let cursor: string | null | undefined;
    do {
      const query = { ...request.query, ...(cursor ? { cursor } : {}) };
      const page = await this.call("get", path, { ...request, query });
      const { items, next_cursor } = page as {
        items: ItemOf<OperationOf<"get", P>>[];
        next_cursor: string | null;
      };
      yield* items;
      cursor = next_cursor;
    } while (cursor);
  }

  /** Gets a file. Read or cancel the body of the answer. */
  download<P extends FilePath>(path: P, ...rest: Rest<OperationOf<"get", P>>): Promise<Response> {
    return this.#send("get", path, (rest as [AnyRequest?])[0] ?? {}, true);
  }

  /** Uploads a CSV file or an Excel workbook. Returns when all of it is stored and queued. */
  async uploadBatch(
    source: UploadSource,
    options: BatchOptions & UploadControls = {},
  ): Promise<Schemas["UploadedBatch"]> {
    const { filename, onProgress, signal, idempotencyKey, ...fields } = options;
    const response = await uploadFile(this.#transport, {
      path: "/api/v1/batches",
      source,
      fields: Object.entries(fields).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)] as const],
      ),
      takesKey: true,
      ...defined({ filename, onProgress, signal, idempotencyKey }),
    });
    return (await jsonOf(response)) as Schemas["UploadedBatch"];
  }

  /** Uploads rows of a batch that were corrected in its `failed.csv`. They are processed again. */
  async correctBatch(
    id: string,
    source: UploadSource,
    controls: Omit<UploadControls, "idempotencyKey"> = {},
  ): Promise<Corrections> {
    const path = `/api/v1/batches/${encodeURIComponent(id)}/corrections`;
    const upload = { path, source, fields: [], takesKey: false, ...controls };
    const response = await uploadFile(this.#transport, upload);
    return (await jsonOf(response)) as Corrections;
  }

  /** Uploads a file for tasks. It is sent once: if the connection fails, the file may be stored or not. */
  async uploadFile(
    source: UploadSource,
    { path, ...controls }: Omit<UploadControls, "idempotencyKey"> & { readonly path?: string } = {},
  ): Promise<Schemas["StoredFile"]> {
    const fields = path === undefined ? [] : [["path", path] as const];
    const upload = { path: "/api/v1/files", source, fields, takesKey: false, ...controls };
    const response = await uploadFile(this.#transport, upload);
    return (await jsonOf(response)) as Schemas["StoredFile"];
  }

  /** Resolves when the batch has ended, or, for a dry run, when every row is checked. */
  waitForBatch(id: string, options: WaitOptions<Schemas["Batch"]> = {}): Promise<Schemas["Batch"]> {
    return waitForEnd(this.#transport, {
      ...options,
      path: `/api/v1/batches/${encodeURIComponent(id)}`,
      noun: "batch",
      hasEnded: ({ state }) => BATCH_HAS_ENDED[state],
    });
  }

  waitForTask(id: string, options: WaitOptions<Schemas["Task"]> = {}): Promise<Schemas["Task"]> {
    return waitForEnd(this.#transport, {
      ...options,
      path: `/api/v1/tasks/${encodeURIComponent(id)}`,
      noun: "task",
      hasEnded: ({ status }) => TASK_HAS_ENDED[status],
    });
  }

  /** Sends any request. Returns the JSON of the answer; undefined if it has no body. */
  async call(method: Method, path: string, request: AnyRequest = {}): Promise<unknown> {
    return jsonOf(await this.#send(method, path, request, false));
  }

  #typed<A>(method: Method, path: string, [request]: readonly unknown[]): Promise<A> {
    return this.call(method, path, request as AnyRequest | undefined) as Promise<A>;
  }

  #send(method: Method, template: string, request: AnyRequest, isFile: boolean): Promise<Response> {
    const { path = {}, query = {}, body, signal, idempotencyKey } = request;
    const key = idempotencyKey ?? (method === "post" && template in TAKES_KEY ? randomKey() : undefined);
    const isRaw = typeof body === "string" || body instanceof Blob || body instanceof FormData;
    return this.#transport.send(urlOf(template, path, query), {
      method: method.toUpperCase(),
      headers: {
        ...(body === undefined || isRaw ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { "idempotency-key": key }),
      },
      body: isRaw ? (body as Body) : body === undefined ? null : JSON.stringify(body),
      signal,
      isSafe: method === "get" || key !== undefined,
      isFile,
    });
  }
}

export function createClient(options: TransportOptions): RowmillClient {
  return new RowmillClient(options);
}

function urlOf(
  template: string,
  path: Readonly<Record<string, Value>>,
  query: Readonly<Record<string, Value>>,
): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === null ? [] : [[name, String(value)] as [string, string]],
  );
  return parameters.length > 0 ? `${filled}?${new URLSearchParams(parameters)}` : filled;
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

import { expect, test, vi } from "vitest";
import { createClient } from "../../src/client/index.ts";

/** The part of a browser's XMLHttpRequest that the client uses. Like there, its methods need their object. */
class FakeRequest {
  readonly upload: { onprogress?: (event: { loaded: number; total: number }) => void } = {};
  status = 0;
  responseText = "";
  onload?: () => void;
  readonly #headers: string[] = [];
  #url = "";

  open(_method: string, url: string): void {
    this.#url = url;
  }

  setRequestHeader(name: string, value: string): void {
    this.#headers.push(`${name}: ${value}`);
  }

  getAllResponseHeaders(): string {
    return `content-type: application/json\r\nx-request-id: ${this.#headers.length > 0}\r\n`;
  }

  send(body: Blob): void {
    this.upload.onprogress?.({ loaded: body.size, total: body.size });
    this.status = 202;
    this.responseText = JSON.stringify({ filename: this.#url });
    this.onload?.();
  }
}

test("a browser uploads with XMLHttpRequest and reports the progress", async () => {
  vi.stubGlobal("XMLHttpRequest", FakeRequest);
  const progress: { sent: number; total: number | null }[] = [];
  try {
    const client = createClient({ baseUrl: "http://rowmill.test" });
    const file = new File(["title,author\n"], "books.csv");
    const batch = await client.uploadBatch(file, { onProgress: (now) => void progress.push(now) });
    expect(batch.filename).toBe("http://rowmill.test/api/v1/batches");
  } finally {
    vi.unstubAllGlobals();
  }
  expect(progress).toHaveLength(1);
  expect(progress[0]?.sent).toBe(progress[0]?.total);
});

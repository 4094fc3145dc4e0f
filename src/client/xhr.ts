/** Uploads in browsers: their `fetch` does not report how much it has sent. */

export function canReportProgress(): boolean {
  return "XMLHttpRequest" in globalThis;
}

/** Like `fetch`, for one request with a Blob. */
export function sendWithProgress(
  onProgress: (progress: { sent: number; total: number | null }) => void,
): typeof fetch {
  return (url, { method = "POST", headers, body, signal } = {}) =>
    new Promise((resolve, reject) => {
      const request: UploadRequest = new (globalThis as unknown as Platform).XMLHttpRequest();
      request.open(method, String(url));
      for (const [name, value] of new Headers(headers)) request.setRequestHeader(name, value);
      request.responseType = "text";
      request.upload.onprogress = ({ loaded, total }) => onProgress({ sent: loaded, total });
      request.onload = () => resolve(responseOf(request));
      request.onerror = () => reject(new TypeError("the connection failed"));
      request.onabort = () => reject(signal?.reason);
      signal?.addEventListener("abort", () => request.abort(), { once: true });
      request.send(body);
    });
}

function responseOf(request: UploadRequest): Response {
  const { status, responseText } = request;
  const headers = new Headers();
  // Browsers refuse the method without its object.
  for (const line of request.getAllResponseHeaders().split("\r\n")) {
    const at = line.indexOf(":");
    if (at > 0) headers.append(line.slice(0, at), line.slice(at + 1));
  }
  return new Response(status === 204 ? null : responseText, { status, headers });
}

interface Platform {
  readonly XMLHttpRequest: new () => UploadRequest;
}

/** The part of XMLHttpRequest that is used here. Types of browsers are not loaded for the server. */
interface UploadRequest {
  readonly upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null };
  readonly status: number;
  readonly responseText: string;
  responseType: string;
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getAllResponseHeaders(): string;
  abort(): void;
  send(body: unknown): void;
}

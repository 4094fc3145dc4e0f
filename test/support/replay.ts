/** Requests and commands as the documents of the replaced services write them. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import type { Answer, Client } from "./client.ts";

/** The documents have their services here. */
const BASE = "http://localhost:8000";
const PLACEHOLDER = /<(\w+)>|\{\{(\w+)\}\}|\{(\w+)\}/g;

type Values = Readonly<Record<string, string | number>>;
type Files = Readonly<Record<string, string | Uint8Array>>;

/**
 * Sends a request as a document writes it: a line with method and path, headers, an empty line and the body.
 * `<name>`, `{name}` and `{{name}}` stand for values. A multipart body looks like JSON, with `<name>` for a file.
 */
export function replay<T = Record<string, unknown>>(
  client: Client,
  text: string,
  values: Values = {},
  files: Files = {},
): Promise<Answer<T>> {
  const [head = "", ...body] = text.trim().split("\n\n");
  const [request = "", ...lines] = fill(head, { base_url: BASE, ...values }).split("\n");
  const [method = "", url = ""] = request.split(" ");
  const headers = new Headers(lines.map((line) => split(line.trim())));
  const init: RequestInit = { headers: {} };
  if (headers.get("content-type") === "multipart/form-data") {
    headers.delete("content-type");
    init.body = formOf(body.join("\n\n"), files);
  } else if (body.length > 0) init.body = fill(body.join("\n\n"), values);
  init.headers = Object.fromEntries(headers);
  return client.send<T>(method, url.replace(BASE, ""), init);
}

function fill(text: string, values: Values): string {
  const basic = text.replace(/base64\((.+?)\)/g, (_, credentials) =>
    Buffer.from(credentials).toString("base64"),
  );
  return basic.replace(PLACEHOLDER, (_, ...names) => {
    const name = names.slice(0, 3).find((one) => one !== undefined);
    const value = values[name];
    if (value === undefined) throw new Error(`The request needs a value for ${name}.`);
    return String(value);
  });
}

function split(header: string): [name: string, value: string] {
  const at = header.indexOf(":");
  return [header.slice(0, at), header.slice(at + 1).trim()];
}

function formOf(body: string, files: Files): FormData {
  const form = new FormData();
  for (const [, name = "", text, file] of body.matchAll(/"(\w+)": (?:"([^"]*)"|<([^>]+)>)/g)) {
    if (file === undefined) form.set(name, text ?? "");
    else form.set(name, new Blob([(files[file] ?? "") as Uint8Array<ArrayBuffer>]), file);
  }
  return form;
}

/** The documents format answers with jq, which few machines have. */
const JQ = `jq() {
  node -p 'const answer = JSON.parse(fs.readFileSync(0)); process.argv[1] === "-r" ? answer[process.argv[2].slice(1)] : JSON.stringify(answer)' -- "$@"
}
`;

/** Types a command of a document into a shell, in a folder with these files. Returns what the command prints. */
export async function typeCommand(
  { url }: Pick<Client, "url">,
  command: string,
  { files = {}, env = {} }: { files?: Files; env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), "rowmill-typed-"));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
  const script = JQ + command.replaceAll(BASE, url);
  const { stdout } = await promisify(execFile)("sh", ["-c", script], {
    cwd,
    env: { ...process.env, NODE_OPTIONS: "", ...env },
  });
  return stdout;
}

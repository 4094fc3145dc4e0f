/** The receiver in docs/guide/webhooks.md, as readers copy it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook as Signer } from "standardwebhooks";
import { expect, test } from "vitest";
import { freePort } from "../../src/platform/postgres/embedded/embedded-postgres.ts";
import { generateSecret } from "../../src/webhooks/secrets.ts";
import { all, root } from "../support/pages.ts";

test("the receiver of the guide accepts genuine messages and no others", async () => {
  const guide = await readFile(join(root, "docs/guide/webhooks.md"), "utf8");
  const [code = ""] = all(guide, /```js\n([\s\S]*?)```/g);
  const folder = await mkdtemp(join(tmpdir(), "rowmill-receiver-"));
  await writeFile(join(folder, "receiver.mjs"), code);
  const [secret, port] = [generateSecret(), await freePort()];
  const env = { ...process.env, PORT: String(port) };
  const child = spawn(process.execPath, [join(folder, "receiver.mjs"), secret], { env });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  try {
    await once(child.stdout, "data");
    const body = '{"type":"webhook.test"}';
    const send = async (id: string, at: Date, signature: string, sent = body) => {
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": signature,
      };
      return (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body: sent })).status;
    };
    const now = new Date();
    const old = new Date(now.getTime() - 600_000);
    const sign = (id: string, at = now, key = secret) => new Signer(key).sign(id, at, body);
    expect(await send("msg_1", now, sign("msg_1"))).toBe(204);
    expect(await send("msg_1", now, sign("msg_1"))).toBe(204);
    expect(await send("msg_2", now, `${sign("msg_2", now, generateSecret())} ${sign("msg_2")}`)).toBe(204);
    expect(await send("msg_3", now, sign("msg_3", now, generateSecret()))).toBe(400);
    expect(await send("msg_3", now, sign("msg_3"), `${body} `)).toBe(400);
    expect(await send("msg_3", now, sign("msg_2"))).toBe(400);
    expect(await send("msg_3", old, sign("msg_3", old))).toBe(400);
    expect(await send("msg_3", now, "v1,")).toBe(400);
    expect(all(output, /^(msg_\d) /gm)).toEqual(["msg_1", "msg_2"]);
  } finally {
    child.kill();
    await rm(folder, { recursive: true });
  }
});

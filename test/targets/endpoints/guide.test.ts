/** The receivers of docs/guide/endpoints.md, as readers copy them. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { freePort } from "../../../src/platform/postgres/embedded/embedded-postgres.ts";
import { command } from "../../support/batches.ts";
import { defineEndpoint, deliverTurns, uploadFor } from "../../support/endpoints.ts";
import { all, root } from "../../support/pages.ts";
import { RECEIVER_SETTINGS } from "../../support/receiver.ts";
import { useAdmin, useRowmill } from "../../support/use-rowmill.ts";

const rowmill = useRowmill({ settings: RECEIVER_SETTINGS });
const admin = useAdmin(rowmill);

const hasPython = spawnSync("python3", ["--version"]).status === 0;

describe.each([
  { language: "js", file: "endpoint.mjs", program: process.execPath },
  { language: "python", file: "endpoint.py", program: "python3" },
])("the receiver in $language", ({ language, file, program }) => {
  test.skipIf(language === "python" && !hasPython)("takes rows, and refuses a wrong signature", async () => {
    const guide = await readFile(join(root, "docs/guide/endpoints.md"), "utf8");
    const [code = ""] = all(guide, new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"));
    const folder = await mkdtemp(join(tmpdir(), "rowmill-endpoint-"));
    await writeFile(join(folder, file), code);
    const [secret, port] = ["a secret for signing", await freePort()];
    const env = { ...process.env, PORT: String(port) };
    const child = spawn(program, [join(folder, file), secret], { env, stdio: ["ignore", "pipe", "ignore"] });
    try {
      await once(child.stdout, "data");
      const set = (value: string) => admin.put(`/api/v1/admin/secrets/GUIDE_SIGNING`, { value });
      await set("another secret");
      const columns = [{ name: "email", type: "email" as const }];
      const url = `http://127.0.0.1:${port}/rows`;
      const target = await defineEndpoint(admin, { url, sign_with: "GUIDE_SIGNING" }, { columns });
      const id = await uploadFor(admin, target, "email\nada@example.com\neve@other.org\n");
      await deliverTurns(rowmill, id);
      expect((await admin.batch(id)).body).toMatchObject({
        state: "paused",
        reason: expect.stringContaining("401"),
      });
      await set(secret);
      await command(admin, id, "resume");
      await deliverTurns(rowmill, id);
      expect((await admin.batch(id)).body).toMatchObject({ counts: { success: 1, failed: 1 } });
      const [failed] = await admin.rows(id, "failed");
      expect(failed?.errors).toEqual([{ column: "email", code: "foreign", message: "email must be ours" }]);
    } finally {
      child.kill();
      await rm(folder, { recursive: true });
    }
  });
});

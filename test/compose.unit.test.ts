/** The files for Docker, which no test runs. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { root } from "./support/pages.ts";

interface Service {
  command?: string | string[];
  ports?: string[];
  restart?: string;
  profiles?: string[];
}

const read = (file: string) => readFileSync(join(root, file), "utf8");
const { services }: { services: Record<string, Service> } = parse(read("compose.yaml"), { merge: true });

test("compose.yaml starts a database, a migration, an API on port 8000 and workers", () => {
  const started = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
  expect(Object.fromEntries(started)).toMatchObject({
    db: { image: expect.stringMatching(/^postgres:/) },
    migrate: { command: ["node", "src/cli.ts", "migrate"] },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose replaces it.
    api: { ports: ["${PORT:-8000}:8000"] },
    worker: { command: ["node", "src/worker.ts"] },
  });
  expect(started).toHaveLength(4);
});

test("compose.yaml restarts every program that ends", () => {
  const restarts = Object.entries(services).map(([name, { restart }]) => [name, restart]);
  expect(Object.fromEntries(restarts)).toMatchObject({
    db: "unless-stopped",
    api: "unless-stopped",
    worker: "unless-stopped",
  });
});

test("the image runs its programs without root", () => {
  const users = [...read("Dockerfile").matchAll(/^USER (.+)$/gm)].map(([, user]) => user);
  expect(users).toEqual(["node"]);
});

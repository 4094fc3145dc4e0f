/** The types of the client, made from the OpenAPI document. `npm run client` writes them. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempDisposableSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Document, readDocument } from "./document.ts";
import { createOfflineApp } from "./offline-app.ts";

const TYPES = resolve(import.meta.dirname, "../../src/client/api.ts");

/** Its version needs TypeScript 5, so npm keeps both away from this project. */
const GENERATOR = [
  ...["exec", "--yes", "--package=openapi-typescript@7.13.0", "--package=typescript@5.9.3", "--"],
  ...["openapi-typescript", "openapi.json", "--output", "api.ts", "--default-non-nullable=false"],
];

/** The document as the client needs it: errors are `RowmillError`, and the replaced services have clients of their own. */
function clientDocument(document: Document): object {
  const paths = Object.entries(document.paths).flatMap(([path, methods]) => {
    const operations = Object.entries(methods)
      .filter(([, { tags }]) => !tags?.includes("legacy"))
      .map(([method, { responses, ...operation }]) => {
        const successes = Object.entries(responses).filter(([status]) => Number(status) < 300);
        return [method, { ...operation, responses: Object.fromEntries(successes) }] as const;
      });
    return operations.length > 0 ? [[path, Object.fromEntries(operations)] as const] : [];
  });
  const { schemas, headers } = document.components as Document["components"] & { headers: object };
  return {
    openapi: document.openapi,
    info: { title: document.info.title, version: "1" },
    paths: Object.fromEntries(paths),
    components: { schemas, headers },
  };
}

/** The generator would leave out the `type` of a task in `allOf`, because it tells the kinds of tasks apart. */
function withoutIntersections(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("allOf" in value)) return value;
  const { allOf, ...rest } = value;
  return Array.isArray(allOf) && allOf.length === 1 ? { ...allOf[0], ...rest } : value;
}

/** Returns what the generator reads, and the first line of its output. */
export function describeClient(openapi: Document): { document: string; firstLine: string } {
  const document = JSON.stringify(clientDocument(openapi), withoutIntersections);
  const hash = createHash("sha256").update(document).digest("hex");
  return {
    document,
    firstLine: `// Made by \`npm run client\` from the OpenAPI document with the SHA-256 ${hash}`,
  };
}

export function readTypes(): string {
  return readFileSync(TYPES, "utf8");
}

if (import.meta.main) {
  const app = await createOfflineApp();
  const { document, firstLine } = describeClient(await readDocument(app));
  await app.close();
  using folder = mkdtempDisposableSync(join(tmpdir(), "rowmill-client-"));
  writeFileSync(join(folder.path, "openapi.json"), document);
  // In an empty folder: npm must not find other versions of these packages in this project.
  execFileSync("npm", GENERATOR, { cwd: folder.path, stdio: "inherit" });
  writeFileSync(TYPES, `${firstLine}\n${readFileSync(join(folder.path, "api.ts"), "utf8")}`);
}

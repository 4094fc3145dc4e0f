/** Which files may import which. Types count as imports too: a layer that names another depends on it. */
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
const src = join(root, "src");
const files = globSync("**/*.{ts,tsx}", { cwd: src }).sort();
const source = new Map(files.map((file) => [file, readFileSync(join(src, file), "utf8")]));

const imports = new Map(
  files.map((file) => {
    const text = source.get(file) ?? "";
    const names = [
      ...text.matchAll(/^(?:import|export)\b[^;]*?from\s+"([^"]+)"/gms),
      ...text.matchAll(/\bimport\("([^"]+)"\)/g),
    ];
    return [file, names.map((match) => match[1] ?? "")];
  }),
);

/** Modules that differ between Node.js and browsers. */
const { imports: seams } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  imports: Record<string, { browser: string; default: string }>;
};

/** @param platform which modules the names that begin with `#` stand for */
function ours(file: string, platform: "browser" | "default" = "default"): string[] {
  return (imports.get(file) ?? [])
    .map((name) => (name.startsWith("#") ? resolve(root, seams[name]?.[platform] ?? "") : name))
    .filter((name) => /^[./]/.test(name))
    .map((name) => relative(src, resolve(src, dirname(file), name)))
    .filter((name) => !name.startsWith(".."));
}

/** From the top down. A file may import from its own layer and from the layers below it. */
const LAYERS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["programs", /^(api|worker|lone-job|dev|build|cli|rowmill)\.ts$|^(cli|console|demo|remote)\//],
  ["surface", /^(app|handlers|take-jobs|lone-jobs)\.ts$/],
  ["legacy", /^legacy\//],
  ["routes", /^[a-z]+\/([a-z]+\/)?([a-z-]+-)?routes\.ts$/],
  [
    "verbs",
    /^(accounts|announcements|audit|backups|batches|books|events|files|idempotency|mails|notifications|queues|records|reports|request-log|schedules|secrets|targets|tasks|webhooks|workflows)\//,
  ],
  ["contracts", /^(activity|context|jobs|migrate|open-context|request-context|retention)\.ts$/],
  ["platform", /^platform\//],
  ["ground", /^errors\.ts$|^(client|config|schema)\//],
];

/** From the bottom up. A feature may import from its own rank and from the ranks below it. */
const FEATURES: readonly (readonly string[])[] = [
  ["announcements", "audit"],
  ["mails"],
  ["accounts", "files", "idempotency", "secrets"],
  ["targets"],
  ["batches", "books", "records"],
  // Tasks of some types do their work.
  ["request-log", "reports", "backups"],
  ["tasks"],
  ["queues"],
  ["workflows", "webhooks"],
  ["schedules"],
  ["notifications"],
  ["events"],
  ["legacy"],
];

/** Lists of modules of the folders below: they import from them, and are imported by them. */
const REGISTRIES = /(^|\/)all\.ts$/;

function layerOf(file: string): number {
  return LAYERS.findIndex(([, pattern]) => pattern.test(file));
}

function rankOf(file: string): number {
  return FEATURES.findIndex((features) => features.includes(file.split("/")[0] ?? ""));
}

test("every file has its layer", () => {
  expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
});

const arrows = files.flatMap((file) => ours(file).map((to) => [file, to] as const));
const shown = (found: readonly (readonly [string, string])[]) =>
  found.map(([from, to]) => `${from} -> ${to}`);

test("no file imports from a layer above its own", () => {
  expect(shown(arrows.filter(([from, to]) => layerOf(to) < layerOf(from)))).toEqual([]);
});

test("no feature imports from a feature of a higher rank", () => {
  expect(shown(arrows.filter(([from, to]) => rankOf(from) !== -1 && rankOf(to) > rankOf(from)))).toEqual([]);
});

test("no two folders import each other, within one layer", () => {
  const within = arrows.filter(
    ([from, to]) => layerOf(from) === layerOf(to) && dirname(from) !== dirname(to) && !REGISTRIES.test(from),
  );
  const pairs = new Set(within.map(([from, to]) => `${dirname(from)} -> ${dirname(to)}`));
  const mutual = within.filter(([from, to]) => pairs.has(`${dirname(to)} -> ${dirname(from)}`));
  expect(shown(mutual)).toEqual([]);
});

test("nothing imports in a circle", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const next of ours(file)) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

describe("one place each", () => {
  const elsewhere = (pattern: RegExp, allowed: readonly string[]) =>
    files.filter((file) => !allowed.includes(file) && pattern.test(source.get(file) ?? ""));

  test("only config/config.ts reads process.env, and rowmill.ts, which has no settings of the server", () => {
    expect(elsewhere(/process\.env\b(?!:)/, ["config/config.ts", "rowmill.ts"])).toEqual([]);
  });

  test("the client is self-contained, and runs in browsers", () => {
    const client = files.filter((file) => file.startsWith("client/"));
    expect(client.flatMap((file) => ours(file)).filter((to) => !to.startsWith("client/"))).toEqual([]);
    const others = (file: string) => (imports.get(file) ?? []).filter((name) => !name.startsWith("."));
    expect(client.filter((file) => others(file).length > 0)).toEqual(["client/node.ts"]);
  });

  test("the console has nothing of the server but the reader of files", () => {
    const console = new Set(["console/main.tsx"]);
    // A web worker is no import.
    console.add("console/pages/imports/preview/worker.ts");
    for (const file of console) for (const to of ours(file, "browser")) console.add(to);
    const server = [...console].filter(
      (file) => !/^(console|client|platform\/csv|platform\/workbooks)\/|^errors\.ts$/.test(file),
    );
    expect(server).toEqual([]);
  });

  test("the package of the command line has nothing of the server, and depends on no other package", () => {
    const packed = new Set(["rowmill.ts"]);
    for (const file of packed) for (const to of ours(file)) packed.add(to);
    const server = [...packed].filter(
      (file) =>
        !/^(client|remote)\//.test(file) &&
        !["rowmill.ts", "errors.ts", "cli/arguments.ts", "cli/node-problem.ts", "cli/table.ts"].includes(
          file,
        ),
    );
    expect(server).toEqual([]);
    const libraries = [...packed].flatMap((file) => imports.get(file) ?? []);
    expect(libraries.filter((name) => !/^(\.|node:)/.test(name))).toEqual([]);
  });

  test("only platform/sqlstates.ts spells SQLSTATEs", () => {
    expect(elsewhere(/["'`](\d\d|F0|HV|P0|XX)[0-9A-Z]{3}["'`]/, ["platform/sqlstates.ts"])).toEqual([]);
  });

  test.each([
    ["pg-boss", "platform/queue/"],
    ["sharp", "platform/pictures/"],
    ["node:worker_threads", "platform/threads/"],
    ["undici", "platform/http-client/"],
    ["argon2", "accounts/passwords.ts"],
    ["nodemailer", "platform/smtp/smtp-client.ts"],
    ["unpdf", "tasks/types/document/"],
    ["mediabunny", "tasks/types/video/"],
    ["saxes", "platform/workbooks/"],
    ["numfmt", "platform/workbooks/"],
    ["croner", "platform/cron/expression.ts"],
    ["re2js", "targets/columns/patterns.ts"],
    ["@fastify/otel", "platform/tracing/"],
    ["@opentelemetry/api", "platform/tracing/"],
    ["@opentelemetry/sdk-trace", "platform/tracing/"],
  ])("%s is known to %s alone", (library, place) => {
    const importers = files.filter((file) => imports.get(file)?.includes(library));
    expect(importers.length).toBeGreaterThan(0);
    expect(importers.filter((file) => !file.startsWith(place))).toEqual([]);
  });

  test("legacy is imported by app.ts alone, so that it can go in one commit", () => {
    const importers = files.filter(
      (file) => !file.startsWith("legacy/") && ours(file).some((to) => to.startsWith("legacy/")),
    );
    expect(importers).toEqual(["app.ts"]);
  });

  test("nothing is exported for legacy alone, so that its deletion leaves no dead code", () => {
    const importers = new Map<string, string[]>();
    for (const file of files) {
      for (const [, names = "", from = ""] of (source.get(file) ?? "").matchAll(
        /^import (?:type )?\{([^}]*)\} from "(\.[^"]+)";/gm,
      )) {
        const to = relative(src, resolve(src, dirname(file), from));
        for (const name of names.split(",").map((part) => part.trim().replace(/^type | as .*/g, ""))) {
          const key = `${to}: ${name}`;
          importers.set(key, [...(importers.get(key) ?? []), file]);
        }
      }
    }
    const isLegacy = (file: string) => file.startsWith("legacy/");
    const own = [...importers].filter(
      ([key, by]) => !isLegacy(key) && key.endsWith(": ") === false && by.every(isLegacy),
    );
    expect(own.map(([key]) => key)).toEqual([]);
  });

  test("a domain error carries no HTTP status", () => {
    expect(
      elsewhere(
        /statusCode|\.code\(\d{3}\)/,
        files.filter((file) => /routes\.ts$|^legacy\/|^platform\/http(-client)?\//.test(file)),
      ),
    ).toEqual([]);
  });
});

test("no file is long", () => {
  const written = files.filter((file) => file !== "client/api.ts");
  const long = written.filter((file) => (source.get(file) ?? "").split("\n").length > 300);
  expect(long).toEqual([]);
});

test("every test file is picked up by a project of vitest", () => {
  const strays = globSync("**/*.test.ts", { cwd: src });
  expect(strays).toEqual([]);
});

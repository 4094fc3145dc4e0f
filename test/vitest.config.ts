import { join } from "node:path";
import { defineConfig } from "vitest/config";
import { SlowestFirst } from "./support/slowest-first.ts";

const globalSetup = [join(import.meta.dirname, "support/postgres.ts")];
/** Tests of the sources and documents themselves. */
const STATIC = ["architecture.test.ts", "docs.test.ts", "plain-english.test.ts"];
/** Tests of what Citus does not have: backups and standbys, `TARGET_TABLES`, and plans of statements with parameters. */
const ON_ONE_SERVER = [
  ...["backups/**", "flows/backup-killed.test.ts", "flows/replica*.test.ts"],
  ...[
    "cli/target-tables.test.ts",
    "{console/admin,remote}/targets.test.ts",
    "flows/{goodbooks,own-data,own-tables}.test.ts",
  ],
  ...["targets/define/typed-records.test.ts", "targets/tables/**"],
  ...["batches/{linear-work,partition-plans,plans,read-cost,statements}.test.ts", "lists/rows-read.test.ts"],
];
const left = process.env.TEST_DATABASE_BACKEND === "citus" ? ON_ONE_SERVER : [];
const shared = {
  // They end tests that hang, and are no measure of speed: machines are slow, busy, or stand still for seconds.
  testTimeout: 120_000,
  hookTimeout: 240_000,
  teardownTimeout: 60_000,
  expect: { poll: { timeout: 60_000 } },
  // By default, vitest leaves one of two cores to itself.
  maxWorkers: 2,
  // Node runs TypeScript itself. With vitest's own loader, unit tests need a third more CPU.
  experimental: { viteModuleRunner: false, nodeLoader: false },
};
/** Programs and commands start often. These two take two thirds of the work off the loading of their sources. */
const env = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, "../node_modules/.cache/compiled"),
  NODE_OPTIONS: `--import=${new URL("../src/platform/process/preload.ts", import.meta.url).href}`,
};

export default defineConfig({
  cacheDir: "../node_modules/.vite",
  test: {
    root: import.meta.dirname,
    sequence: { sequencer: SlowestFirst },
    projects: [
      { test: { ...shared, name: "architecture", include: [...STATIC] } },
      // Tests without a database, which run in `npm run check`.
      { test: { ...shared, name: "unit", include: ["**/*.unit.test.ts"], isolate: false } },
      {
        test: {
          ...shared,
          name: "rowmill",
          env,
          sequence: { groupOrder: 1 },
          include: ["**/*.test.ts"],
          exclude: [...STATIC, "**/*.unit.test.ts", "flows/**", ...left],
          globalSetup,
          // Each file has its own database and app. Loading the sources for each file took a third of the time.
          isolate: false,
          // Tests wait for the database and for workers about half of the time.
          maxWorkers: 3,
          testTimeout: 240_000,
        },
      },
      {
        // Real processes are killed, and databases become unreachable. These tests wait for timeouts most of the time.
        test: {
          ...shared,
          name: "flows",
          env,
          sequence: { groupOrder: 2 },
          include: ["flows/**/*.test.ts"],
          exclude: ["flows/fairness.test.ts", ...left],
          globalSetup,
          testTimeout: 480_000,
          // As above. Programs are processes of their own, so four files at a time need more than two cores: nothing is faster, and
          // programs that wait for a core miss their times.
          isolate: false,
          maxWorkers: 3,
        },
      },
      {
        // Runs alone, because it measures time.
        test: {
          ...shared,
          name: "alone",
          env,
          sequence: { groupOrder: 3 },
          include: ["flows/fairness.test.ts"],
          globalSetup,
          testTimeout: 240_000,
        },
      },
    ],
  },
});

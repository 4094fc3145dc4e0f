import { join } from "node:path";
import { defineConfig } from "vitest/config";

const globalSetup = [join(import.meta.dirname, "support/postgres.ts")];
/** Tests of the sources and documents themselves. */
const STATIC = ["architecture.test.ts", "docs.test.ts", "plain-english.test.ts"];
const shared = { testTimeout: 30_000, hookTimeout: 60_000 };
/** Real programs start often: the compiled sources take a third of the work off each start. */
const env = { NODE_COMPILE_CACHE: join(import.meta.dirname, "../node_modules/.cache/compiled") };

export default defineConfig({
  cacheDir: "../node_modules/.vite",
  test: {
    root: import.meta.dirname,
    projects: [
      { test: { ...shared, name: "architecture", include: [...STATIC] } },
      // Tests without a database, which run in `npm run check`.
      { test: { ...shared, name: "unit", include: ["**/*.unit.test.ts"], isolate: false } },
      {
        test: {
          ...shared,
          name: "rowmill",
          sequence: { groupOrder: 1 },
          include: ["**/*.test.ts"],
          exclude: [...STATIC, "**/*.unit.test.ts", "flows/**"],
          globalSetup,
          // Each file has its own database and app. Loading the sources for each file took a third of the time.
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        // Real processes are killed, and databases become unreachable. These tests mostly wait for timeouts.
        test: {
          ...shared,
          name: "flows",
          env,
          sequence: { groupOrder: 2 },
          include: ["flows/**/*.test.ts"],
          exclude: ["flows/fairness.test.ts"],
          globalSetup,
          testTimeout: 120_000,
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
          testTimeout: 120_000,
        },
      },
    ],
  },
});

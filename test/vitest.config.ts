import { join } from "node:path";
import { defineConfig } from "vitest/config";

const globalSetup = [join(import.meta.dirname, "support/postgres.ts")];
const shared = { testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  cacheDir: "../node_modules/.vite",
  test: {
    root: import.meta.dirname,
    projects: [
      { test: { ...shared, name: "architecture", include: ["architecture.test.ts", "docs.test.ts"] } },
      // Need no database and little time: they run in `npm run check`.
      { test: { ...shared, name: "unit", include: ["**/*.unit.test.ts"], isolate: false } },
      {
        test: {
          ...shared,
          name: "rowmill",
          sequence: { groupOrder: 1 },
          include: ["**/*.test.ts"],
          exclude: ["architecture.test.ts", "docs.test.ts", "**/*.unit.test.ts", "flows/**"],
          globalSetup,
          // Each file has a database and an app of its own; to load the sources for each took a third of the time.
          isolate: false,
          maxWorkers: 2,
        },
      },
      {
        // Real processes that are killed and databases that go away. They mostly wait until somebody is missed.
        test: {
          ...shared,
          name: "flows",
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
          sequence: { groupOrder: 3 },
          include: ["flows/fairness.test.ts"],
          globalSetup,
          testTimeout: 120_000,
        },
      },
    ],
  },
});

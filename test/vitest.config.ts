import { defineConfig } from "vitest/config";

const shared = { testTimeout: 30_000, hookTimeout: 60_000 };

export default defineConfig({
  cacheDir: "../node_modules/.vite",
  test: {
    root: import.meta.dirname,
    projects: [
      { test: { ...shared, name: "architecture", include: ["architecture.test.ts"] } },
      {
        test: {
          ...shared,
          name: "rowmill",
          sequence: { groupOrder: 1 },
          include: ["**/*.test.ts"],
          exclude: ["architecture.test.ts", "flows/**"],
          globalSetup: ["support/postgres.ts"],
          maxWorkers: 2,
        },
      },
      {
        // Real processes that are killed and databases that go away: one file at a time, so that time limits mean something.
        test: {
          ...shared,
          name: "flows",
          sequence: { groupOrder: 2 },
          include: ["flows/**/*.test.ts"],
          globalSetup: ["support/postgres.ts"],
          testTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});

/** Runs a command in this process, and returns its output. */
import { vi } from "vitest";
import { findCommand } from "../../src/cli/commands.ts";
import type { Rowmill } from "./rowmill.ts";

export async function printed(
  { config, ctx }: Pick<Rowmill, "config" | "ctx">,
  line: string,
): Promise<string> {
  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  try {
    await findCommand(line.split(" "))?.({ config, connect: async () => ctx });
    return log.mock.calls.join("\n");
  } finally {
    log.mockRestore();
  }
}

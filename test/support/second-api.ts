/** A second API process on the same database, as far as the database can tell. */
import { createApp } from "../../src/app.ts";
import { openContext } from "../../src/context.ts";
import { createLog } from "../../src/platform/log.ts";
import { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

export async function startSecondApi({ config }: Rowmill): Promise<AsyncDisposable & { client: Client }> {
  const ctx = await openContext(config, createLog(config, "test-second"), "enqueue");
  const app = await createApp(ctx);
  const client = new Client(await app.listen({ host: "127.0.0.1", port: 0 }), app);
  const close = async () => {
    await app.close();
    await ctx.close(1000);
  };
  return { client, [Symbol.asyncDispose]: close };
}

/** A second API process on the same database, as far as the database can tell. */
import { createApp } from "../../src/app.ts";
import type { Config } from "../../src/config/config.ts";
import { type OpenContext, openContext } from "../../src/open-context.ts";
import { createLog } from "../../src/platform/log.ts";
import { Client } from "./client.ts";
import type { Rowmill } from "./rowmill.ts";

export interface SecondApi extends AsyncDisposable {
  readonly ctx: OpenContext;
  /** A client without a token. */
  readonly client: Client;
}

/** @param settings what differs from the first API, such as the URL of a pooler */
export async function startSecondApi(
  { config }: Pick<Rowmill, "config">,
  settings: Partial<Config> = {},
): Promise<SecondApi> {
  const ctx = await openContext({ ...config, ...settings }, createLog(config, "test-second"), "enqueue");
  const app = await createApp(ctx);
  const client = new Client(await app.listen({ host: "127.0.0.1", port: 0 }), app);
  const close = async () => {
    await app.close();
    await ctx.close(1000);
  };
  return { ctx, client, [Symbol.asyncDispose]: close };
}

/** A Rowmill that may write into the tables of shop-tables.ts. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import type { Rowmill } from "./rowmill.ts";
import { createShop, dropShopRole } from "./shop-tables.ts";
import { useRowmill } from "./use-rowmill.ts";

export interface Shop {
  readonly rowmill: Rowmill;
  /** The role of TARGET_ROLE. */
  readonly role: string;
}

/** Call it once per file, or in a `describe`. */
export function useShop(settings: NodeJS.ProcessEnv = {}): Shop {
  const role = `rowmill_target_${randomBytes(6).toString("hex")}`;
  const rowmill = useRowmill({
    settings: { TARGET_TABLES: "shop.*", TARGET_ROLE: role, ...settings },
  });
  beforeAll(() => createShop(rowmill.ctx.db, role));
  afterAll(() => dropShopRole(rowmill.ctx.db, role));
  return { rowmill, role };
}

/** The tables of shop-tables.ts beside a Rowmill of real processes, and targets that are made from the tables. */
import { randomBytes } from "node:crypto";
import { expect } from "vitest";
import type { BatchView } from "../../src/batches/views.ts";
import type { Definition } from "../../src/targets/definition/definition.ts";
import { adminOf } from "./admin.ts";
import type { Client } from "./client.ts";
import { type Programs, type ServedApi, startPrograms } from "./processes.ts";
import { createShop, dropShopRole } from "./shop-tables.ts";

export interface OwnShop extends Programs {
  readonly api: ServedApi;
  readonly admin: Client;
  query<Row extends object>(text: string): Promise<Row[]>;
  /** Saves the proposal for a table of the shop. @returns the name of the target */
  define(table: string, change?: (proposal: Definition) => Definition, name?: string): Promise<string>;
}

/** @param moreSql runs after the tables of the shop exist */
export async function startShop(moreSql = ""): Promise<OwnShop> {
  const role = `shop_${randomBytes(4).toString("hex")}`;
  const rowmill = await startPrograms({ TARGET_TABLES: "shop.*", TARGET_ROLE: role });
  const { pool, db } = rowmill.ctx;
  await createShop(db, role, moreSql);
  const api = await rowmill.serveApi();
  const admin = await adminOf(rowmill, api);
  return {
    ...rowmill,
    api,
    admin,
    query: async <Row extends object>(text: string): Promise<Row[]> => (await pool.query(text)).rows,
    async define(table, change = (proposal) => proposal, name = table) {
      const proposal = await admin.post<{ definition: Definition }>(
        `/api/v1/targets?from_table=shop.${table}`,
      );
      expect(proposal.status, JSON.stringify(proposal.body)).toBe(200);
      const saved = await admin.post("/api/v1/targets", { name, ...change(proposal.body.definition) });
      expect(saved.status, JSON.stringify(saved.body)).toBe(201);
      return name;
    },
    async [Symbol.asyncDispose]() {
      await dropShopRole(db, role);
      await rowmill[Symbol.asyncDispose]();
    },
  };
}

/** Changes columns of a definition, by name. */
export function withColumns(
  definition: Definition,
  changes: Readonly<Record<string, Partial<Definition["columns"][number]>>>,
): Definition {
  return {
    ...definition,
    columns: definition.columns.map((column) => ({ ...column, ...changes[column.name] })),
  };
}

/** The number of rows per code and column, as the API groups them. */
export async function errorsOf(user: Client, { id }: Pick<BatchView, "id">): Promise<Record<string, number>> {
  const { body } = await user.get<{
    groups: { code: string; column: string | null; count: number }[];
    ungrouped: number;
  }>(`/api/v1/batches/${id}/errors`);
  expect(body.ungrouped).toBe(0);
  return Object.fromEntries(
    body.groups.map(({ code, column, count }) => [column === null ? code : `${code} ${column}`, count]),
  );
}

/** Uploads a file and waits for the last result. */
export async function importFile(
  user: Client,
  file: string | Blob,
  options: Record<string, string>,
  timeoutMs = 120_000,
): Promise<BatchView> {
  const { status, body } = await user.upload(file, `/api/v1/batches?${new URLSearchParams(options)}`);
  expect(status, JSON.stringify(body)).toBe(202);
  return user.finished(body.id, timeoutMs);
}

export async function undo(user: Client, { id }: BatchView, timeoutMs = 120_000): Promise<BatchView> {
  const { status, body } = await user.post(`/api/v1/batches/${id}/undo`);
  expect(status, JSON.stringify(body)).toBe(200);
  return user.finished(id, timeoutMs);
}

/** A hash of everything in a table of the shop. */
export async function hashOf(shop: OwnShop, table: string, order = "id"): Promise<string> {
  const rows = await shop.query<{ hash: string }>(
    `SELECT coalesce(md5(string_agg(t::text, E'\\n' ORDER BY ${order})), 'empty') AS hash FROM shop.${table} AS t`,
  );
  return rows[0]?.hash ?? "";
}

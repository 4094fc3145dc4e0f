/** The groups of errors of a batch, as its answer has them and as its failed rows give them. */
import type { ErrorGroupsView } from "../../src/batches/results/views.ts";
import type { RowError } from "../../src/schema/batches.ts";
import type { Rowmill } from "./rowmill.ts";

export type Groups = Omit<ErrorGroupsView, "groups"> & { groups: object[] };

/** Groups all failed rows of the batch, one by one. */
export async function groupsOfRows({ ctx }: Rowmill, batch: string): Promise<Groups> {
  const { rows } = await ctx.pool.query<{ row: number; errors: RowError[] }>(
    `SELECT row_number AS row, errors FROM rowmill.row_results WHERE batch_id = $1 AND status = 'failed' ORDER BY row_number`,
    [batch],
  );
  const groups = new Map<string, RowError & { count: number; rows: number[] }>();
  for (const { row, errors } of rows) {
    for (const [key, error] of new Map(
      errors.map((each) => [JSON.stringify([each.code, each.column]), each]),
    )) {
      const group = groups.get(key) ?? { ...error, count: 0, rows: [] };
      group.count++;
      if (group.rows.length < 5) group.rows.push(row);
      groups.set(key, group);
    }
  }
  return {
    failed: rows.length,
    groups: [...groups.values()].toSorted((a, b) => b.count - a.count),
    ungrouped: 0,
  };
}

export function groupsOfAnswer({ groups, ...answer }: ErrorGroupsView): Groups {
  return { ...answer, groups: groups.map(({ rows_url: _, ...group }) => group) };
}

/** Shows lists: tables for people, JSON for programs. */
import { type Row, tableOf } from "../cli/table.ts";
import { jsonText, print, type Terminal } from "./terminal.ts";

/** Shows up to `limit` items. JSON is written while they arrive, so that a list can be longer than the memory. */
export async function showList<T>(
  terminal: Terminal,
  items: AsyncIterable<T>,
  { limit, json, rowOf }: { limit: number; json: boolean; rowOf: (item: T) => Row },
): Promise<void> {
  const rows: Row[] = [];
  let count = 0;
  for await (const item of items) {
    if (json) {
      const text = jsonText(item).replaceAll("\n", "\n    ");
      await print(terminal, `${count === 0 ? '{\n  "items": [\n' : "    ,\n"}    ${text}`);
    } else rows.push(rowOf(item));
    count++;
    if (count === limit) break;
  }
  if (json) await print(terminal, count === 0 ? '{\n  "items": []\n}' : "  ]\n}");
  else await print(terminal, tableOf(rows));
}

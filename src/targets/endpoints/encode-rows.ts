/** Writes the bodies of requests to endpoints. */
import { createHash } from "node:crypto";

/** The greatest size of the body of a request. */
export const MAX_BODY_BYTES = 2 ** 20;

export interface EncodedRow {
  readonly row: number;
  /** The id by which the endpoint knows the row. */
  readonly id: string;
  /** The other fields of the row as the text of JSON, without braces. */
  readonly fields: string;
}

export interface EncodedRequest {
  readonly body: Buffer;
  /** The rows that the body has: the first ones, without those that are too large. */
  readonly sent: readonly EncodedRow[];
  /** The rows that no request can have, among the first ones. */
  readonly tooLarge: ReadonlyMap<EncodedRow, number>;
  /** How many of the rows the request covers: those that it has, and those that are too large. */
  readonly count: number;
}

/**
 * Takes the first rows, as long as they fit into one body. The order of the fields is that of own documentation, and the
 * same rows always make the same body.
 */
export function encodeRequest(
  head: Readonly<Record<string, unknown>>,
  rows: Iterable<EncodedRow>,
  maxRows: number,
): EncodedRequest {
  const opening = `${JSON.stringify(head).slice(0, -1)},"rows":[`;
  const room = MAX_BODY_BYTES - Buffer.byteLength(opening) - "]}".length;
  const parts: string[] = [];
  const sent: EncodedRow[] = [];
  const tooLarge = new Map<EncodedRow, number>();
  let bytes = 0;
  for (const row of rows) {
    const text = `{"id":"${row.id}","row":${row.row},${row.fields}}`;
    const size = Buffer.byteLength(text) + ",".length;
    if (size > room) tooLarge.set(row, size);
    else if (sent.length >= maxRows || bytes + size > room) break;
    else {
      parts.push(text);
      sent.push(row);
      bytes += size;
    }
  }
  const body = Buffer.from(`${opening}${parts.join(",")}]}`);
  return { body, sent, tooLarge, count: sent.length + tooLarge.size };
}

/**
 * The id of a message. It is the same whenever the same rows are sent, also after a crash, and another one if only some of
 * them are sent again: an endpoint that remembers its answers by this id must not give an old one.
 * @param run changes when a person has the rows processed again, because the endpoint may answer otherwise now
 */
export function messageIdOf(
  kind: "b" | "u",
  batchId: string,
  rows: readonly EncodedRow[],
  run: number,
): string {
  const hash = createHash("sha256").update(String(run));
  for (const { id, fields } of rows) hash.update(`\n${id}\n${fields}`);
  const digest = hash.digest("hex").slice(0, 16);
  return `${kind}_${batchId.replaceAll("-", "")}_${rows[0]?.row ?? 0}_${digest}`;
}

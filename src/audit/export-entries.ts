/** Exports the audit log as a file, a page at a time. */
import type { Context } from "../context.ts";
import { csvRecords, defuse } from "../platform/csv/cells.ts";
import { DOWNLOAD_PAGE_BYTES, RELEASE } from "../platform/http/bounded-answers.ts";
import { type AuditFilter, listEntries } from "./queries.ts";
import { AuditEntryView, viewEntry } from "./views.ts";

export const EXPORT_FORMATS = ["csv", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export const MEDIA_TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: "text/csv",
  ndjson: "application/x-ndjson",
};

const COLUMNS = Object.keys(AuditEntryView.properties) as (keyof AuditEntryView)[];

/** Each page is one short query, so a slow client holds neither a connection nor a snapshot that would block vacuum. */
const PAGE = 1000;

/** Yields the entries, newest first. Entries that are written meanwhile are not among them. */
export async function* exportEntries(
  ctx: Context,
  filter: AuditFilter,
  format: ExportFormat,
): AsyncGenerator<string> {
  if (format === "csv") yield csvRecords([COLUMNS]);
  for (let before = 0, hasMore = true; hasMore; ) {
    const page = await listEntries(ctx, filter, { before, limit: PAGE, maxBytes: DOWNLOAD_PAGE_BYTES });
    if (page.items.length > 0) yield textOf(page.items.map(viewEntry), format);
    before = page.items.at(-1)?.id ?? 0;
    hasMore = page.hasMore;
    // While the next page waits for memory, nothing may refer to the entries of this one.
    page.items.length = 0;
    yield RELEASE;
  }
}

function textOf(entries: readonly AuditEntryView[], format: ExportFormat): string {
  if (format === "ndjson") return entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
  return csvRecords(entries.map((entry) => COLUMNS.map((name) => defuse(cellOf(entry[name])))));
}

function cellOf(value: AuditEntryView[keyof AuditEntryView]): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
}

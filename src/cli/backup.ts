import { resolve } from "node:path";
import { createBackup } from "../backups/create-backup.ts";
import { listBackups } from "../backups/queries.ts";
import type { Backup } from "../backups/records.ts";
import { restoreBackup } from "../backups/restore-backup.ts";
import { viewBackup } from "../backups/views.ts";
import { ConfigError, Permanent } from "../errors.ts";
import { uuidV7 } from "../platform/ids.ts";
import { createLog } from "../platform/log.ts";
import { plural } from "../platform/plural.ts";
import { command, flag, text } from "./command.ts";
import { limitOf } from "./named.ts";
import { pagesOf, printJson, showPages } from "./table.ts";

interface Counted {
  readonly name: string;
  readonly rows: number;
}

/** On standard error, because standard output has the result. */
const report = ({ name, rows }: Counted) => console.error(`${name}: ${plural(rows, "row")}`);

const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(1);

export const backupCommands = [
  command({
    name: "backup",
    usage: "[--to DIR] [--json]",
    summary: "Back up all tables to the place that BACKUP_TO sets, or to a folder, and verify the backup.",
    options: { to: text, json: flag },
    async run({ connect }, { to, json }) {
      const ctx = await connect();
      const startedAt = performance.now();
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      const run = {
        id: uuidV7(ctx.now()),
        userId: null,
        folder: to && resolve(to),
        signal: stop.signal,
        onTable: report,
      };
      const backup = await createBackup(ctx, run).catch((error) => {
        throw error instanceof Permanent ? new ConfigError(error.message, { cause: error }) : error;
      });
      if (!backup) return;
      if (json) printJson(viewBackup(backup, ctx.now()));
      else
        console.log(
          `Backed up to ${placeOf(backup)} (${plural(backup.bytes ?? 0, "byte")}) in ${seconds(startedAt)} s.`,
        );
    },
  }),

  command({
    name: "backups",
    usage: "[--limit 20] [--json]",
    summary: "List backups, newest first.",
    options: { limit: { ...text, default: "20" }, json: flag },
    async run({ connect }, values) {
      const limit = limitOf(values.limit);
      const ctx = await connect();
      const pages = pagesOf<Backup>(limit, (left, last) =>
        listBackups(ctx, { before: last?.id ?? null, limit: left }),
      );
      const shown = async function* () {
        for await (const page of pages)
          yield page.map((backup) => ({ ...viewBackup(backup, ctx.now()), place: placeOf(backup) }));
      };
      await showPages(values.json, shown(), ({ id, state, created_at, bytes, seconds, place, error }) => ({
        id,
        state,
        created: created_at,
        bytes,
        seconds,
        place,
        error,
      }));
    },
  }),

  command({
    name: "restore",
    usage: "FILE",
    summary: "Restore a backup into an empty database. Checks the whole file first.",
    takesArgument: true,
    options: {},
    async run({ config }, _, file) {
      if (!file) throw new ConfigError("The file is missing. Usage: npm run cli -- restore FILE");
      const startedAt = performance.now();
      const log = createLog({ ...config, logLevel: "warn" }, "cli");
      const { header, manifest } = await restoreBackup(config, log, resolve(file), report);
      const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
      console.log(
        `Restored ${plural(rows, "row")} of ${plural(manifest.tables.length, "table")} from the backup of ` +
          `${header.created_at} in ${seconds(startedAt)} s. Start the API and the workers.`,
      );
    },
  }),
];

function placeOf({ path, fileId, host }: Backup): string {
  if (path !== null) return `${path} on ${host}`;
  return fileId === null ? "-" : "the database";
}

import Type, { type Static } from "typebox";
import { MapOf, Moment, NullableMoment, nullable, Uuid } from "../platform/http/schemas.ts";
import { backupState } from "../schema/backups.ts";
import type { Backup } from "./records.ts";

export const BackupView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the backup." },
    state: Type.Enum([...backupState.enumValues], {
      description:
        "queued: waits for a worker. completed: written and verified. failed: nothing of it is left.",
    }),
    user_id: nullable(
      Type.Integer(),
      "The admin who started it. null: the schedule or the command line did.",
    ),
    host: nullable(Type.String(), "The host that writes or has written the backup."),
    path: nullable(
      Type.String(),
      "The path on that host. null: the backup is in the database, or not complete.",
    ),
    bytes: nullable(Type.Integer(), "The compressed size."),
    sha256: nullable(Type.String(), "SHA-256 of the file, in hexadecimal."),
    rows: nullable(MapOf(Type.Integer()), "The number of rows of each table."),
    seconds: nullable(Type.Number(), "How long the backup took, or has taken so far."),
    error: nullable(Type.String(), "Why the backup failed."),
    created_at: Moment("When the backup was requested."),
    started_at: NullableMoment("When a worker started it."),
    finished_at: NullableMoment("When it completed or failed."),
  },
  {
    $id: "Backup",
    description: "A backup of the whole database.",
    examples: [
      {
        id: "01a20159-f320-7af5-a6be-a1fe4cf0a3b1",
        state: "completed",
        user_id: 1,
        host: "worker-1",
        path: "/var/lib/rowmill/backups/rowmill-20261126T020000000Z-01a20159-f320-7af5-a6be-a1fe4cf0a3b1.jsonl.gz",
        bytes: 48123904,
        sha256: "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
        rows: { batches: 3, books: 100000, users: 12 },
        seconds: 9.4,
        error: null,
        created_at: "2026-11-26T02:00:00.000Z",
        started_at: "2026-11-26T02:00:00.131Z",
        finished_at: "2026-11-26T02:00:09.531Z",
      },
    ],
  },
);

export function viewBackup(backup: Backup, now: Date): Static<typeof BackupView> {
  const { id, state, userId, host, path, bytes, sha256, rows, error, startedAt, finishedAt } = backup;
  const ms = startedAt && (finishedAt ?? now).getTime() - startedAt.getTime();
  return {
    id,
    state,
    user_id: userId,
    host,
    path,
    bytes,
    sha256: sha256?.toString("hex") ?? null,
    rows,
    seconds: ms === null ? null : Math.max(0, ms) / 1000,
    error,
    created_at: backup.createdAt.toISOString(),
    started_at: startedAt?.toISOString() ?? null,
    finished_at: finishedAt?.toISOString() ?? null,
  };
}

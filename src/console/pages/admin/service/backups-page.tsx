import { Alert, Button, Text } from "@mantine/core";
import { IconAlertTriangle, IconDatabaseExport, IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import type { Schemas } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { invalidate, useApiList } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { type Column, DataTable } from "../../../parts/data-table.tsx";
import { Empty, showDone } from "../../../parts/feedback.tsx";
import { formatAgo, formatBytes, formatCount, formatDuration } from "../../../parts/format.ts";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Page } from "../../../parts/page.tsx";
import { saveFile } from "../../../parts/save-file.ts";
import { StateBadge } from "../../../parts/states.tsx";
import { Toolbar } from "../../../parts/toolbar.tsx";
import { useEvery } from "../../../parts/use-every.ts";
import { backupWords as words } from "../../../words/admin-service.ts";

type Backup = Schemas["Backup"];

const EVERY_SECONDS = 10;
/** Nightly backups, and one that has failed. */
const OLD_MS = 2 * 86_400_000;

const columns: readonly Column<Backup>[] = [
  { name: words.started, isTitle: true, cell: ({ created_at }) => <Moment at={created_at} exact /> },
  { name: words.state, cell: ({ state }) => <StateBadge state={state} /> },
  {
    name: words.size,
    isNumber: true,
    cell: ({ bytes }) => (bytes === null ? "–" : formatBytes(bytes)),
  },
  {
    name: words.rows,
    isNumber: true,
    cell: ({ rows }) =>
      rows ? formatCount(Object.values(rows).reduce((sum, count) => sum + count, 0)) : "–",
  },
  {
    name: words.took,
    isNumber: true,
    cell: ({ seconds }) => (seconds === null ? "–" : formatDuration(seconds)),
  },
  { name: words.place, cell: (backup) => <Place backup={backup} /> },
  {
    name: words.download,
    cell: ({ id, state }) =>
      state === "completed" && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() => saveFile(`/api/v1/admin/backups/${id}/content`)}
        >
          {words.download}
        </Button>
      ),
  },
];

export function BackupsPage() {
  const list = useApiList("/api/v1/admin/backups");
  const [isAsked, setAsked] = useState(false);
  useEvery(EVERY_SECONDS, list.refetch);
  const create = async () => {
    await client.post("/api/v1/admin/backups", { body: {} });
    await invalidate("/api/v1/admin/backups");
    showDone(words.queued);
  };
  const button = (
    <Button leftSection={<IconDatabaseExport size={16} aria-hidden />} onClick={() => setAsked(true)}>
      {words.create}
    </Button>
  );
  return (
    <Page title={words.title} description={words.description} actions={button}>
      {!list.isLoading && !list.error && <AgeWarning backups={list.items} />}
      <Toolbar updatedAt={list.updatedAt} onRefresh={list.refetch} />
      <DataTable
        label={words.title}
        list={list}
        columns={columns}
        idOf={({ id }) => id}
        empty={<Empty title={words.empty} hint={words.emptyHint} />}
      />
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={words.createTitle}
        action={words.createNow}
        run={create}
      >
        {words.createHint}
      </Confirm>
    </Page>
  );
}

/** The list has the newest first. */
function AgeWarning({ backups }: { readonly backups: readonly Backup[] }) {
  const at = backups.find(({ state }) => state === "completed")?.finished_at;
  if (at && Date.now() - Date.parse(at) < OLD_MS) return null;
  return (
    <Alert
      color="orange"
      icon={<IconAlertTriangle aria-hidden />}
      title={at ? words.warnOld(formatAgo(new Date(at))) : words.warnNone}
    >
      {at ? words.warnOldHint : words.warnNoneHint} <LinkTo to="/admin/schedules">{words.schedules}</LinkTo>
    </Alert>
  );
}

function Place({ backup: { host, path, error } }: { readonly backup: Backup }) {
  if (error) {
    return (
      <Text span size="sm" c="red" title={error}>
        {error}
      </Text>
    );
  }
  if (!path) return host ?? <span aria-hidden>–</span>;
  return (
    <span title={path}>
      {host}: {path}
    </span>
  );
}

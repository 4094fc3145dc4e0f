import { ActionIcon, Box, Group, NativeSelect, Progress, Text } from "@mantine/core";
import { IconDownload, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate, useApiList } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { type Column, DataTable } from "../../parts/data-table.tsx";
import { Empty, showDone } from "../../parts/feedback.tsx";
import { formatBytes } from "../../parts/format.ts";
import { LinkTo } from "../../parts/link.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { Toolbar } from "../../parts/toolbar.tsx";
import { words as common } from "../../words/common.ts";
import { fileWords as words } from "../../words/files.ts";
import { download, FilePanel } from "./file-panel.tsx";
import { Origin } from "./origin.tsx";
import { UploadArea } from "./upload-area.tsx";

type StoredFile = Schemas["StoredFile"];

const route = getRouteApi("/signed-in/files");

export function FilesPage() {
  const { origin, file } = route.useSearch();
  const navigate = route.useNavigate();
  const list = useApiList("/api/v1/files", { query: origin ? { origin } : {} });
  const [deleted, setDeleted] = useState<StoredFile | null>(null);
  const show = (id: string | null) =>
    navigate({ search: ({ file: _, ...rest }) => (id === null ? rest : { ...rest, file: id }) });
  return (
    <Page title={words.title} description={words.description}>
      <UploadArea />
      <Toolbar
        updatedAt={list.updatedAt}
        onRefresh={list.refetch}
        onClear={origin ? () => void navigate({ search: {} }) : undefined}
      >
        <NativeSelect
          size="xs"
          aria-label={words.origin}
          value={origin ?? "all"}
          onChange={({ currentTarget: { value } }) =>
            void navigate({ search: value === "upload" || value === "result" ? { origin: value } : {} })
          }
          data={(["all", "upload", "result"] as const).map((value) => ({
            value,
            label: words.origins[value],
          }))}
        />
        <Storage />
      </Toolbar>
      <DataTable
        label={words.title}
        list={list}
        columns={columnsOf(setDeleted)}
        idOf={({ id }) => id}
        onOpen={({ id }) => void show(id)}
        empty={
          origin ? (
            <Empty title={words.emptyFilter} hint={words.emptyFilterHint} />
          ) : (
            <Empty title={words.empty} hint={words.emptyHint} />
          )
        }
      />
      {file && <FilePanel key={file} id={file} onClose={() => void show(null)} onDelete={setDeleted} />}
      {deleted && (
        <Confirm
          isOpen
          onClose={() => setDeleted(null)}
          title={words.deleteTitle(deleted.name)}
          action={common.delete}
          isDangerous
          run={async () => {
            await client.delete("/api/v1/files/{file_id}", { path: { file_id: deleted.id } });
            // The panel would read the file once more.
            await show(null);
            showDone(words.deleted(deleted.name));
            await Promise.all([invalidate("/api/v1/files"), invalidate("/api/v1/auth/me/usage")]);
          }}
        >
          {words.deleteHint}
        </Confirm>
      )}
    </Page>
  );
}

function Storage() {
  const { data } = useQuery(apiQuery("/api/v1/auth/me/usage"));
  if (!data) return null;
  const { used, limit } = data.file_bytes;
  const text =
    limit === null ? words.usedAll(formatBytes(used)) : words.used(formatBytes(used), formatBytes(limit));
  return (
    <Group gap="xs">
      {limit !== null && (
        <Box w={90}>
          <Progress size="sm" value={(used / Math.max(1, limit)) * 100} aria-label={text} />
        </Box>
      )}
      <Text size="xs" c="dimmed">
        {text}
      </Text>
    </Group>
  );
}

function columnsOf(remove: (file: StoredFile) => void): readonly Column<StoredFile>[] {
  return [
    {
      name: words.name,
      isTitle: true,
      cell: ({ id, name, path }) => (
        <LinkTo
          size="sm"
          from="/files"
          to="/files"
          search={(before) => ({ ...before, file: id })}
          title={path}
          style={{ overflowWrap: "anywhere", whiteSpace: "normal" }}
        >
          {name}
        </LinkTo>
      ),
    },
    { name: words.kind, cell: ({ media_type }) => media_type },
    { name: words.size, isNumber: true, cell: ({ bytes }) => formatBytes(bytes) },
    { name: words.origin, cell: (file) => <Origin file={file} /> },
    { name: words.stored, cell: ({ created_at }) => <Moment at={created_at} /> },
    {
      name: common.actions,
      isNumber: true,
      cell: (file) => (
        <Group gap={4} justify="flex-end" wrap="nowrap">
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={`${words.download} ${file.name}`}
            onClick={() => void download(file)}
          >
            <IconDownload size={16} />
          </ActionIcon>
          <ActionIcon
            variant="subtle"
            color="red"
            aria-label={`${common.delete} ${file.name}`}
            onClick={() => remove(file)}
          >
            <IconTrash size={16} />
          </ActionIcon>
        </Group>
      ),
    },
  ];
}

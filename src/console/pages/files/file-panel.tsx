import { Alert, Button, Group, Stack } from "@mantine/core";
import { IconDownload, IconTrash } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { apiQuery } from "../../api/queries.ts";
import { CopiedId } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Loading, showFailure } from "../../parts/feedback.tsx";
import { formatBytes } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { words as common } from "../../words/common.ts";
import { fileWords as words } from "../../words/files.ts";
import { Origin } from "./origin.tsx";

type StoredFile = Schemas["StoredFile"];

const MAX_PREVIEW_BYTES = 25_000_000;

/** The request before it renews the session, and reports a file that is gone: a download of the browser could not. */
export async function download({ id }: StoredFile): Promise<void> {
  try {
    await client.get("/api/v1/files/{file_id}", { path: { file_id: id } });
    location.assign(`/api/v1/files/${id}/content`);
  } catch (error) {
    showFailure(error);
  }
}

interface FilePanelProps {
  readonly id: string;
  readonly onClose: () => void;
  readonly onDelete: (file: StoredFile) => void;
}

export function FilePanel({ id, onClose, onDelete }: FilePanelProps) {
  const { data: file, error } = useQuery(apiQuery("/api/v1/files/{file_id}", { path: { file_id: id } }));
  return (
    <SidePanel title={file?.name ?? words.title} onClose={onClose}>
      {error ? <Failure error={error} /> : file ? <Details file={file} onDelete={onDelete} /> : <Loading />}
    </SidePanel>
  );
}

function Details({ file, onDelete }: { file: StoredFile; onDelete: (file: StoredFile) => void }) {
  return (
    <Stack>
      {file.media_type.startsWith("image/") && <Preview file={file} />}
      <Group gap="xs">
        <Button leftSection={<IconDownload size={16} aria-hidden />} onClick={() => void download(file)}>
          {words.download}
        </Button>
        <Button
          variant="subtle"
          color="red"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => onDelete(file)}
        >
          {common.delete}
        </Button>
      </Group>
      <Facts
        facts={[
          [words.kind, file.media_type],
          [words.size, formatBytes(file.bytes)],
          [words.stored, <Moment key="at" at={file.created_at} exact />],
          [words.origin, <Origin key="origin" file={file} />],
          [words.path, <CopiedId key={words.path} id={file.path} label={words.path} />],
          [words.id, <CopiedId key={words.id} id={file.id} label={words.id} />],
          [words.hash, <CopiedId key={words.hash} id={file.sha256} label={words.hash} />],
        ]}
      />
    </Stack>
  );
}

function Preview({ file }: { file: StoredFile }) {
  const [url, setUrl] = useState<string | null>(null);
  const [hasFailed, setFailed] = useState(false);
  const isTooLarge = file.bytes > MAX_PREVIEW_BYTES;
  useEffect(() => {
    if (isTooLarge) return;
    const abort = new AbortController();
    let made = "";
    client
      .download("/api/v1/files/{file_id}/content", { path: { file_id: file.id }, signal: abort.signal })
      .then((response) => response.blob())
      .then((blob) => {
        if (abort.signal.aborted) return;
        made = URL.createObjectURL(blob);
        setUrl(made);
      })
      .catch(() => setFailed(!abort.signal.aborted));
    return () => {
      abort.abort();
      URL.revokeObjectURL(made);
    };
  }, [file.id, isTooLarge]);
  if (isTooLarge || hasFailed)
    return <Alert color="gray">{isTooLarge ? words.previewTooLarge : words.previewFailed}</Alert>;
  if (url === null) return <Loading lines={3} />;
  return (
    <img
      src={url}
      alt={file.name}
      onError={() => setFailed(true)}
      style={{ maxWidth: "100%", maxHeight: 360, objectFit: "contain", alignSelf: "center" }}
    />
  );
}

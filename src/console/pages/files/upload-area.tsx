import "@mantine/dropzone/styles.layer.css";
import { ActionIcon, Group, Progress, Stack, Text } from "@mantine/core";
import { Dropzone } from "@mantine/dropzone";
import { IconUpload, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../api/queries.ts";
import { messageOf } from "../../parts/feedback.tsx";
import { formatBytes } from "../../parts/format.ts";
import { fileWords as words } from "../../words/files.ts";
import { addUploads, removeUpload, type Upload, useUploads } from "./uploads.ts";

export function UploadArea() {
  const uploads = useUploads();
  const { data: usage } = useQuery(apiQuery("/api/v1/auth/me/usage"));
  const bytes = usage?.file_bytes;
  const free = bytes?.limit == null ? null : Math.max(0, bytes.limit - bytes.used);
  return (
    <Stack gap="xs">
      <Dropzone onDrop={addUploads} inputProps={{ "aria-label": words.drop }} p="md">
        <Group justify="center" gap="sm">
          <IconUpload size={22} stroke={1.5} aria-hidden color="var(--mantine-color-dimmed)" />
          <div>
            <Text size="sm" fw={550}>
              {words.drop}
            </Text>
            <Text size="xs" c="dimmed">
              {words.dropHint(free === null ? null : formatBytes(free))}
            </Text>
          </div>
        </Group>
      </Dropzone>
      {uploads.length > 0 && (
        <Stack className="panel" component="section" aria-label={words.uploads} gap={0} px="md" py={6}>
          {uploads.map((upload) => (
            <UploadLine key={upload.id} {...upload} />
          ))}
        </Stack>
      )}
    </Stack>
  );
}

function UploadLine({ id, file, state, sent, error }: Upload) {
  const total = formatBytes(file.size);
  const isStoring = state === "sending" && sent >= file.size;
  return (
    <Group gap="sm" wrap="nowrap" py={6}>
      <Stack gap={4} flex={1} miw={0}>
        <Group justify="space-between" gap="xs" wrap="nowrap">
          <Text size="sm" truncate title={file.name}>
            {file.name}
          </Text>
          {state !== "failed" && (
            <Text size="xs" c="dimmed" style={{ flex: "none" }}>
              {state === "waiting"
                ? words.waiting
                : isStoring
                  ? words.storing
                  : words.sent(formatBytes(sent), total)}
            </Text>
          )}
        </Group>
        {state === "failed" ? (
          <Text size="xs" c="red" role="alert">
            {messageOf(error)}
          </Text>
        ) : (
          <Progress
            size="sm"
            value={(sent / Math.max(1, file.size)) * 100}
            animated={isStoring}
            aria-label={file.name}
          />
        )}
      </Stack>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={(state === "failed" ? words.dismiss : words.cancel)(file.name)}
        onClick={() => removeUpload(id)}
      >
        <IconX size={16} />
      </ActionIcon>
    </Group>
  );
}

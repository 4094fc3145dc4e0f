import { Alert, Anchor, Group, Image, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/Image.layer.css";
import { IconAlertTriangle, IconDownload } from "@tabler/icons-react";
import type { Schemas } from "../../../client/operations.ts";
import { useApiList } from "../../api/queries.ts";
import { formatBytes } from "../../parts/format.ts";
import { JsonBlock } from "../../parts/json.tsx";
import { Section } from "../../parts/section.tsx";
import { taskWords as words } from "../../words/tasks.ts";

type Task = Schemas["Task"];

/** Pictures that browsers show. */
const SHOWN_TYPES = /^image\/(jpeg|png|gif|webp|avif)$/;

export function TaskOutcome({ task, isOwn }: { readonly task: Task; readonly isOwn: boolean }) {
  const { status, result, error_message, error_code } = task;
  const message = typeof result?.message === "string" ? result.message : "";
  if (status !== "completed" && status !== "failed" && result === null) return null;
  return (
    <Section title={words.outcome}>
      {status === "failed" && (
        <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={error_code ?? ""}>
          {error_message}
        </Alert>
      )}
      {message && <Text style={{ overflowWrap: "anywhere" }}>{message}</Text>}
      {isOwn && status === "completed" && <Files task={task} />}
      {result !== null && <JsonBlock value={result} label={words.json} />}
    </Section>
  );
}

function Files({ task }: { readonly task: Task }) {
  const list = useApiList("/api/v1/tasks/{task_id}/files", {
    path: { task_id: task.id },
    query: { limit: 100 },
  });
  if (list.items.length === 0) return null;
  return (
    <Stack gap="xs">
      {list.items.map(({ id, name, media_type, bytes, url }) => (
        <Group key={id} gap="md" align="flex-start">
          {SHOWN_TYPES.test(media_type) && (
            <Image
              src={url}
              alt={words.preview(name)}
              mah={160}
              maw={240}
              w="auto"
              fit="contain"
              radius="sm"
            />
          )}
          <Stack gap={2}>
            <Anchor href={url} download={name} size="sm">
              <Group gap={6}>
                <IconDownload size={15} aria-hidden />
                {name}
              </Group>
            </Anchor>
            <Text size="xs" c="dimmed">
              {media_type} · {formatBytes(bytes)}
            </Text>
          </Stack>
        </Group>
      ))}
    </Stack>
  );
}

/** One of the files of the user, or a new one. */
import { Button, FileButton, Group, Progress, Select, Stack } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { client } from "../../../api/client.ts";
import { invalidate, useApiList } from "../../../api/queries.ts";
import { showDone, showFailure } from "../../../parts/feedback.tsx";
import { formatBytes } from "../../../parts/format.ts";
import { taskFormWords as words } from "../../../words/task-form.ts";

interface FileInputProps {
  readonly fileId: string | null;
  readonly filePath: string | null;
  readonly isRequired: boolean;
  readonly maxBytes: number | null;
  readonly error: string | undefined;
  readonly onChange: (file: { fileId: string | null; filePath: string | null }) => void;
}

export function FileInput({ fileId, filePath, isRequired, maxBytes, error, onChange }: FileInputProps) {
  const files = useApiList("/api/v1/files", { query: { limit: 100 } });
  const [share, setShare] = useState<number | null>(null);
  // The user goes on with the form while the file is sent. Afterwards, it may be gone, or have another type.
  const report = useRef<typeof onChange>(null);
  useEffect(() => {
    report.current = onChange;
    return () => {
      report.current = null;
    };
  }, [onChange]);
  const upload = async (file: File | null) => {
    if (!file) return;
    setShare(0);
    try {
      const stored = await client.uploadFile(file, {
        onProgress: ({ sent, total }) => setShare(total ? sent / total : 0),
      });
      await invalidate("/api/v1/files");
      report.current?.({ fileId: stored.id, filePath: null });
      showDone(words.uploaded(stored.name));
    } catch (failure) {
      showFailure(failure);
    } finally {
      setShare(null);
    }
  };
  const known = files.items.map(({ id, path, bytes }) => ({
    value: id,
    label: `${path} · ${formatBytes(bytes)}`,
  }));
  const isMissing = fileId !== null && !known.some(({ value }) => value === fileId);
  const data = [
    ...(filePath ? [{ value: filePath, label: words.filePath(filePath) }] : []),
    ...(isMissing ? [{ value: fileId, label: fileId }] : []),
    ...known,
  ];
  const limit = maxBytes === null ? "" : ` ${words.limitFile(formatBytes(maxBytes))}`;
  return (
    <Stack gap={6}>
      <Group align="flex-end" gap="xs">
        <Select
          label={words.file}
          description={(isRequired ? words.fileRequired : words.fileOptional) + limit}
          placeholder={words.filePlaceholder}
          nothingFoundMessage={words.fileEmpty}
          required={isRequired}
          searchable
          clearable={!isRequired}
          flex="1 1 260px"
          data={data}
          value={fileId ?? filePath}
          error={error}
          onChange={(value) =>
            onChange(
              value !== null && value === filePath
                ? { fileId: null, filePath }
                : { fileId: value, filePath: null },
            )
          }
        />
        <FileButton onChange={(file) => void upload(file)}>
          {(props) => (
            <Button
              {...props}
              variant="default"
              loading={share !== null}
              leftSection={<IconUpload size={15} aria-hidden />}
            >
              {words.fileUpload}
            </Button>
          )}
        </FileButton>
      </Group>
      {share !== null && <Progress value={share * 100} aria-label={words.fileUpload} />}
    </Stack>
  );
}

import { Button, Group, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/LoadingOverlay.layer.css";
import { Dropzone } from "@mantine/dropzone";
import "@mantine/dropzone/styles.layer.css";
import { notifications } from "@mantine/notifications";
import { IconFileSpreadsheet, IconUpload } from "@tabler/icons-react";
import { useRef } from "react";
import { announce } from "../../parts/announce.ts";
import { formatBytes } from "../../parts/format.ts";
import { importWords } from "../../words/imports.ts";

const words = importWords.file;

interface FileFieldProps {
  readonly file: File | null;
  readonly onFile: (file: File) => void;
}

/** Takes one file, dropped or chosen. */
export function FileField({ file, onFile }: FileFieldProps) {
  const open = useRef<() => void>(null);
  return (
    <Dropzone
      onDrop={([dropped]) => {
        if (!dropped) return;
        announce(words.chosen(dropped.name, formatBytes(dropped.size)), true);
        onFile(dropped);
      }}
      onReject={() => notifications.show({ color: "red", message: words.onlyOne })}
      multiple={false}
      openRef={open}
      // The button inside opens the dialog from the keyboard.
      activateOnKeyboard={false}
      tabIndex={-1}
      enablePointerEvents
      inputProps={{ "aria-hidden": true, tabIndex: -1 }}
      className="import-drop"
    >
      <Stack align="center" gap="xs" py={file ? 4 : 28} ta="center">
        {file ? (
          <Group gap="sm" justify="center">
            <IconFileSpreadsheet size={28} stroke={1.4} aria-hidden />
            <div className="import-file">
              <Text fw={600}>{file.name}</Text>
              <Text size="sm" c="dimmed">
                {formatBytes(file.size)}
              </Text>
            </div>
          </Group>
        ) : (
          <>
            <IconUpload size={34} stroke={1.3} aria-hidden color="var(--mantine-color-dimmed)" />
            <Text fw={600}>
              <Dropzone.Accept>{words.dropNow}</Dropzone.Accept>
              <Dropzone.Reject>{words.onlyOne}</Dropzone.Reject>
              <Dropzone.Idle>{words.drop}</Dropzone.Idle>
            </Text>
          </>
        )}
        <Button
          variant={file ? "default" : "light"}
          size={file ? "xs" : "sm"}
          onClick={(event) => {
            event.stopPropagation();
            open.current?.();
          }}
        >
          {file ? words.change : words.choose}
        </Button>
        {!file && (
          <Text size="xs" c="dimmed" maw={460}>
            {words.hint}
          </Text>
        )}
      </Stack>
    </Dropzone>
  );
}

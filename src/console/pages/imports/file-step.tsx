import { Anchor, Button, Group, Radio, SimpleGrid, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/Radio.layer.css";
import "@mantine/core/styles/RadioCard.layer.css";
import "@mantine/core/styles/RadioIndicator.layer.css";
import "@mantine/core/styles/LoadingOverlay.layer.css";
import { Dropzone } from "@mantine/dropzone";
import "@mantine/dropzone/styles.layer.css";
import { notifications } from "@mantine/notifications";
import { IconFileSpreadsheet, IconUpload } from "@tabler/icons-react";
import { useRef } from "react";
import { announce } from "../../parts/announce.ts";
import { formatBytes } from "../../parts/format.ts";
import { importWords } from "../../words/imports.ts";
import type { Target } from "./mapping.ts";
import { ReadProblem } from "./read-problem.tsx";
import { type Moves, StepFrame } from "./step-frame.tsx";
import type { Draft } from "./use-draft.ts";

const words = importWords.file;

interface FileStepProps {
  readonly draft: Draft;
  readonly targets: readonly Target[];
  readonly onTarget: (name: string) => void;
  readonly moves: Moves;
}

export function FileStep({ draft, targets, onTarget, moves }: FileStepProps) {
  const { file, target, read } = draft;
  return (
    <StepFrame heading={words.heading} moves={moves}>
      <FileField file={file} onFile={draft.setFile} />
      {file && read.problem && <ReadProblem problem={read.problem} />}
      <Radio.Group
        label={words.targets}
        value={target?.name ?? ""}
        onChange={onTarget}
        classNames={{ label: "import-label" }}
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm" mt={6}>
          {targets.map((one) => (
            <TargetCard key={one.name} target={one} />
          ))}
        </SimpleGrid>
      </Radio.Group>
    </StepFrame>
  );
}

function FileField({ file, onFile }: { readonly file: File | null; readonly onFile: (file: File) => void }) {
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

function TargetCard({ target }: { readonly target: Target }) {
  const required = target.columns.filter((column) => column.required).map(({ name }) => name);
  return (
    <Stack gap={0} className="import-target">
      <Radio.Card value={target.name} p="sm" withBorder={false} aria-label={target.name}>
        <Group wrap="nowrap" align="flex-start" gap="sm">
          <Radio.Indicator mt={2} />
          <div>
            <Text fw={600}>{target.name}</Text>
            <Text size="sm">{target.description}</Text>
            <Text size="xs" c="dimmed">
              {target.open ? words.anyColumns : words.required(required.join(", ") || words.anyColumns)}
            </Text>
          </div>
        </Group>
      </Radio.Card>
      <Anchor href={target.template} download size="xs" px="sm" pb="sm" pl={44} w="fit-content">
        {words.template}
      </Anchor>
    </Stack>
  );
}

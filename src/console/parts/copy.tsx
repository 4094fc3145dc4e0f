import { ActionIcon, Button, CopyButton, Group, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { words } from "../words/common.ts";

/** A small button that copies an id, a command or a document. */
export function Copy({ value, label = words.copy }: { readonly value: string; readonly label?: string }) {
  return (
    <CopyButton value={value}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? words.copied : label}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={copy}
            aria-label={copied ? words.copied : label}
          >
            {copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** The same with words. */
export function CopyText({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <Button
          variant="default"
          onClick={copy}
          leftSection={copied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
        >
          {copied ? words.copied : label}
        </Button>
      )}
    </CopyButton>
  );
}

/** An id or another text of a machine, beside its button. */
export function CopiedId({ id, label }: { readonly id: string; readonly label: string }) {
  return (
    <Group gap={4} wrap="nowrap" align="flex-start">
      <Text span size="sm" ff="monospace" style={{ overflowWrap: "anywhere" }}>
        {id}
      </Text>
      <Copy value={id} label={`${words.copy}: ${label}`} />
    </Group>
  );
}

/** The beginning of an id is enough to tell two apart. */
export function ShortId({ id }: { readonly id: string }) {
  return (
    <Group gap={4} wrap="nowrap" title={id}>
      {id.slice(0, 8)}… <Copy value={id} />
    </Group>
  );
}

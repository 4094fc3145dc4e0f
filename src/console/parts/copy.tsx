import { ActionIcon, Button, Group, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { words } from "../words/common.ts";
import { showFailure } from "./feedback.tsx";

/** How long a button says that it has copied. */
const COPIED_MS = 1500;

/** A small button that copies an id, a command or a document. */
export function Copy({ value, label = words.copy }: { readonly value: string; readonly label?: string }) {
  const [isCopied, copy] = useCopy(value);
  return (
    <Tooltip label={isCopied ? words.copied : label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="sm"
        onClick={copy}
        aria-label={isCopied ? words.copied : label}
      >
        {isCopied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

/** The same with words. */
export function CopyText({ text, label }: { readonly text: string; readonly label: string }) {
  const [isCopied, copy] = useCopy(text);
  return (
    <Button
      variant="default"
      onClick={copy}
      leftSection={isCopied ? <IconCheck size={15} aria-hidden /> : <IconCopy size={15} aria-hidden />}
    >
      {isCopied ? words.copied : label}
    </Button>
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

/** @returns whether it was copied just now, and the function that copies */
function useCopy(text: string): readonly [isCopied: boolean, copy: () => void] {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return [isCopied, () => void copyToClipboard(text).then(() => setCopied(true), showFailure)];
}

async function copyToClipboard(text: string): Promise<void> {
  if (isSecureContext) return navigator.clipboard.writeText(text);
  // Pages without TLS, such as in a local network, have only the old way.
  const field = document.createElement("textarea");
  field.value = text;
  // A dialog keeps the focus among its own elements.
  const parent = document.querySelector("[role=dialog]") ?? document.body;
  parent.append(field);
  field.select();
  const isDone = document.execCommand("copy");
  field.remove();
  if (!isDone) throw new Error(words.cannotCopy);
}

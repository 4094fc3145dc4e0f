/** A secret that the API shows only once. */
import { Alert, Button, Group, Stack, TextInput } from "@mantine/core";
import { IconKey } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { words as common, secretWords as words } from "../words/common.ts";
import { Copy } from "./copy.tsx";
import { Dialog } from "./dialog.tsx";

interface SecretProps {
  readonly title: string;
  readonly label: string;
  readonly secret: string;
  readonly onClose: () => void;
  /** How to use it. */
  readonly children?: ReactNode;
}

export function Secret({ title, label, secret, onClose, children }: SecretProps) {
  return (
    <Dialog onClose={onClose} closeOnClickOutside={false} closeOnEscape={false} size="lg" title={title}>
      <Stack>
        <Alert color="yellow" icon={<IconKey aria-hidden />}>
          {words.once}
        </Alert>
        <TextInput
          label={label}
          value={secret}
          readOnly
          data-autofocus
          onFocus={({ currentTarget }) => currentTarget.select()}
          rightSection={<Copy value={secret} label={`${common.copy}: ${label}`} />}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        />
        {children}
        <Group justify="flex-end">
          <Button onClick={onClose}>{words.stored}</Button>
        </Group>
      </Stack>
    </Dialog>
  );
}

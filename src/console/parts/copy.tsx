import { ActionIcon, Box, Code, CopyButton, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { words } from "../words/common.ts";

/** @param what is copied, for screen readers */
export function Copy({ text, what }: { readonly text: string; readonly what?: string }) {
  return (
    <CopyButton value={text} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? words.copied : words.copy}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            aria-label={what ? `${words.copy}: ${what}` : words.copy}
            onClick={copy}
          >
            {copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

/** Text for a terminal or an editor. */
export function Snippet({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <Box pos="relative">
      <Code
        block
        pr={36}
        mah={320}
        tabIndex={0}
        role="region"
        aria-label={label}
        style={{ overflow: "auto" }}
      >
        {text}
      </Code>
      <Box pos="absolute" top={6} right={6}>
        <Copy text={text} what={label} />
      </Box>
    </Box>
  );
}

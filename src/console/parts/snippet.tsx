import { Box, Code } from "@mantine/core";
import { words } from "../words/common.ts";
import { Copy } from "./copy.tsx";

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
        <Copy value={text} label={`${words.copy}: ${label}`} />
      </Box>
    </Box>
  );
}

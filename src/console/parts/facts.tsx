import { Box, Group, Text } from "@mantine/core";
import type { ReactNode } from "react";

type Fact = readonly [name: string, value: ReactNode];

/** Names and values, one pair per line. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <Box component="dl" m={0}>
      {facts.map(([name, value]) => (
        <Group key={name} gap="xs" py={5} align="flex-start">
          <Text component="dt" size="sm" c="dimmed" w={150}>
            {name}
          </Text>
          <Text component="dd" size="sm" m={0} flex="1 1 200px" miw={0} style={{ overflowWrap: "anywhere" }}>
            {value}
          </Text>
        </Group>
      ))}
    </Box>
  );
}

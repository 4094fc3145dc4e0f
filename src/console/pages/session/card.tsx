/** The frame of the pages before the sign-in. */
import { Center, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";
import { words } from "../../words/common.ts";
import { sessionWords } from "../../words/session.ts";

export function Card({ title, children, below }: { title: string; children: ReactNode; below?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w={380} maw="100%" gap="lg">
        <Stack gap={4} align="center">
          <Group gap={10}>
            <img src="/icon.svg" alt="" width={32} height={32} />
            <Text fw={700} fz={22}>
              {words.product}
            </Text>
          </Group>
          <Text size="sm" c="dimmed" ta="center">
            {sessionWords.welcome}
          </Text>
        </Stack>
        <Paper withBorder p="lg">
          <Title order={1} mb="md">
            {title}
          </Title>
          {children}
        </Paper>
        {below && (
          <Text size="sm" ta="center" component="div">
            {below}
          </Text>
        )}
      </Stack>
    </Center>
  );
}

/** Only a path of this site: another address could imitate the sign-in. */
export function safePath(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : "/";
}

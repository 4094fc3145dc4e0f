import { Anchor, Button, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { LinkTo } from "../../parts/link.tsx";
import { navigationWords } from "../../words/common.ts";
import { homeWords as words } from "../../words/home.ts";

/** For a user who has neither imports nor tasks. */
export function Start() {
  return (
    <Stack gap="md">
      <Stack className="panel" align="center" ta="center" py={48} px="md" gap="sm">
        <IconUpload size={40} stroke={1.3} aria-hidden color="var(--mantine-color-anchor)" />
        <Title order={2}>{words.welcome}</Title>
        <Text c="dimmed" size="sm" maw={460}>
          {words.welcomeHint}
        </Text>
        <Button component={Link} to="/import" size="md" mt="xs">
          {navigationWords.import}
        </Button>
      </Stack>
      <SimpleGrid cols={{ base: 1, sm: 3 }} component="section" aria-label={words.steps}>
        <Way title={words.tokenTitle} hint={words.tokenHint}>
          <LinkTo to="/account" search={{ section: "tokens" }} size="sm">
            {words.token}
          </LinkTo>
        </Way>
        <Way title={words.docsTitle} hint={words.docsHint}>
          <Anchor href="/docs" size="sm">
            {words.docs}
          </Anchor>
        </Way>
        <Way title={words.tasksTitle} hint={words.tasksHint}>
          <Anchor component={Link} to="/tasks" size="sm">
            {words.tasks}
          </Anchor>
        </Way>
      </SimpleGrid>
    </Stack>
  );
}

interface WayProps {
  readonly title: string;
  readonly hint: string;
  readonly children: ReactNode;
}

function Way({ title, hint, children }: WayProps) {
  return (
    <Stack className="panel" p="md" gap={6}>
      <Title order={3} size="sm">
        {title}
      </Title>
      <Text size="sm" c="dimmed">
        {hint}
      </Text>
      {children}
    </Stack>
  );
}

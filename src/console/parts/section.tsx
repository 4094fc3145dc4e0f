import { Group, Stack, Title } from "@mantine/core";
import type { ReactNode } from "react";

interface SectionProps {
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}

/** A part of a page, with a heading. */
export function Section({ title, actions, children }: SectionProps) {
  return (
    <section className="panel" aria-label={title}>
      <Stack gap="sm" p="md">
        <Group justify="space-between" gap="xs" mih={28}>
          <Title order={2}>{title}</Title>
          {actions}
        </Group>
        {children}
      </Stack>
    </section>
  );
}

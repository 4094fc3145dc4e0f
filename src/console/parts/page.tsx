import { Anchor, Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";
import { words } from "../words/common.ts";

interface PageProps {
  readonly title: string;
  /** Shown below the title. */
  readonly description?: ReactNode;
  /** Beside the title: a badge. */
  readonly badge?: ReactNode;
  readonly actions?: ReactNode;
  /** The list that this page belongs to. */
  readonly parent?: { readonly to: string; readonly name: string };
  readonly children: ReactNode;
}

/** The frame of every page. Its heading gets the focus after a navigation, so that screen readers announce the page. */
export function Page({ title, description, badge, actions, parent, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · ${words.product}`;
  }, [title]);
  useEffect(() => {
    // A field of the page may have taken the focus.
    if (!document.activeElement || document.activeElement === document.body || isOutside()) {
      heading.current?.focus({ preventScroll: true });
    }
  }, []);
  return (
    <Stack className="page" gap="md">
      <Group justify="space-between" align="flex-start" gap="sm">
        <Stack gap={2} miw={0} flex="1 1 280px">
          {parent && (
            <Anchor component={Link} to={parent.to} size="sm" c="dimmed" w="fit-content">
              ← {parent.name}
            </Anchor>
          )}
          <Group gap="sm" align="center">
            <Title order={1} ref={heading} tabIndex={-1} style={{ overflowWrap: "anywhere" }}>
              {title}
            </Title>
            {badge}
          </Group>
          {description && (
            <Text c="dimmed" size="sm">
              {description}
            </Text>
          )}
        </Stack>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** Whether the focus is in the navigation, as after a click on a link there. */
function isOutside(): boolean {
  return !document.querySelector("main")?.contains(document.activeElement);
}

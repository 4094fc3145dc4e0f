import { Group, Stack, Text, Title } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import "./home.css";

interface BlockProps {
  readonly title: string;
  /** The page with all of it. */
  readonly more?: { readonly to: string; readonly name: string };
  /** Shown if the block has no lines. */
  readonly empty: string;
  readonly children: readonly ReactNode[];
}

/** One part of the home page: a short list with a way to the whole of it. */
export function Block({ title, more, empty, children }: BlockProps) {
  return (
    <Stack className="panel" p="md" gap={4} component="section" aria-label={title}>
      <Group justify="space-between" mb={4}>
        <Title order={2}>{title}</Title>
        {more && (
          <Link to={more.to} className="home-more">
            {more.name}
          </Link>
        )}
      </Group>
      {children.length > 0 ? (
        children
      ) : (
        <Text size="sm" c="dimmed">
          {empty}
        </Text>
      )}
    </Stack>
  );
}

interface LineProps {
  readonly to: string;
  readonly name: string;
  readonly children?: ReactNode;
  readonly detail?: ReactNode;
}

export function Line({ to, name, children, detail }: LineProps) {
  return (
    <div className="home-line">
      <div className="home-name">
        <Link to={to} title={name}>
          {name}
        </Link>
        {detail && (
          <Text size="xs" c="dimmed" component="div">
            {detail}
          </Text>
        )}
      </div>
      {children}
    </div>
  );
}

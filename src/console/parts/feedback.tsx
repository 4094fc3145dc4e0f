/** Empty lists, failures, and the results of actions. */
import { Alert, Anchor, Button, Group, Skeleton, Stack, Text, Title } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconAlertTriangle, IconInbox } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { isStatus, RowmillError } from "../api/client.ts";
import { words } from "../words/common.ts";

interface EmptyProps {
  readonly title: string;
  /** Whether nothing else is on the page. */
  readonly isPage?: boolean;
  /** Says the next step. */
  readonly hint: ReactNode;
  readonly action?: ReactNode;
}

export function Empty({ title, isPage = false, hint, action }: EmptyProps) {
  return (
    <Stack align="center" gap="xs" py={56} px="md" ta="center">
      <IconInbox size={36} stroke={1.3} aria-hidden color="var(--mantine-color-dimmed)" />
      <Title order={isPage ? 1 : 2}>{title}</Title>
      <Text c="dimmed" size="sm" maw={460}>
        {hint}
      </Text>
      {action && <div>{action}</div>}
    </Stack>
  );
}

/** Says what happened, with the id of the request, which the log of the server has too. */
export function Failure({ error, onRetry }: { readonly error: unknown; readonly onRetry?: () => void }) {
  if (isStatus(error, 404) || isAboutId(error)) return <NotFound />;
  return (
    <Alert color="red" icon={<IconAlertTriangle aria-hidden />} title={words.failed} role="alert">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{messageOf(error)}</Text>
        <RequestId error={error} />
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {words.tryAgain}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** Whether the API refuses the id in the address of the page, which no item can have. */
function isAboutId(error: unknown): boolean {
  return (
    error instanceof RowmillError && Object.keys(error.field_errors).some((name) => /(^|_)id$/.test(name))
  );
}

export function NotFound() {
  return (
    <Empty
      isPage
      title={words.notFound}
      hint={words.notFoundHint}
      action={
        <Anchor component={Link} to="/">
          {words.toStart}
        </Anchor>
      }
    />
  );
}

export function Loading({ lines = 6 }: { readonly lines?: number }) {
  return (
    <Stack gap="sm" p="md" aria-busy aria-label={words.loading} role="status">
      {Array.from({ length: lines }, (_, at) => (
        <Skeleton key={at} height={18} radius="sm" />
      ))}
    </Stack>
  );
}

function RequestId({ error }: { readonly error: unknown }) {
  if (!(error instanceof RowmillError) || !error.request_id) return null;
  return (
    <Text size="xs" c="dimmed" ff="monospace">
      {words.requestId(error.request_id)}
    </Text>
  );
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The problems of one field of a form, from an answer of the API. */
export function fieldError(error: unknown, field: string): string | undefined {
  if (!(error instanceof RowmillError)) return undefined;
  return error.field_errors[field]?.join(" ");
}

export function showFailure(error: unknown): void {
  notifications.show({
    color: "red",
    title: words.failed,
    autoClose: 15_000,
    message: (
      <Group gap="xs">
        <span>{messageOf(error)}</span>
        <RequestId error={error} />
      </Group>
    ),
  });
}

export function showDone(message: string): void {
  notifications.show({ color: "green", message });
}

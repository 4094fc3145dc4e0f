import { Button, Group, Text, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconRefresh, IconSearch, IconX } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { words } from "../words/common.ts";
import { formatAgo } from "./format.ts";
import { useShortcuts } from "./keyboard.ts";
import { useNow } from "./moment.tsx";

/** The filters above a list, and when it was read. */
export function Toolbar({
  children,
  updatedAt,
  onRefresh,
  onClear,
}: {
  readonly children?: ReactNode;
  readonly updatedAt: number;
  readonly onRefresh: () => void;
  /** Present if a filter is set. */
  readonly onClear?: (() => void) | undefined;
}) {
  const now = useNow(5);
  return (
    <Group justify="space-between" gap="sm">
      <Group gap="xs" flex="1 1 auto">
        {children}
        {onClear && (
          <Button size="xs" variant="subtle" leftSection={<IconX size={14} aria-hidden />} onClick={onClear}>
            {words.clearFilters}
          </Button>
        )}
      </Group>
      <Group gap={6} ml="auto">
        {updatedAt > 0 && (
          <Text size="xs" c="dimmed">
            {words.updated(formatAgo(new Date(updatedAt), Math.max(now, updatedAt)))}
          </Text>
        )}
        <Button
          size="xs"
          variant="default"
          onClick={onRefresh}
          leftSection={<IconRefresh size={14} aria-hidden />}
        >
          {words.refresh}
        </Button>
      </Group>
    </Group>
  );
}

/** A search field that `/` focuses. It reports a value when the user pauses. */
export function SearchField({
  value,
  onChange,
  label,
}: {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly label: string;
}) {
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(value);
  const reported = useRef(value);
  const report = useDebouncedCallback((next: string) => {
    reported.current = next;
    onChange(next);
  }, 250);
  useEffect(() => {
    // The user may have typed on since the report.
    if (value !== reported.current) setText(value);
    reported.current = value;
  }, [value]);
  useShortcuts({ "/": () => field.current?.focus() });
  return (
    <TextInput
      ref={field}
      size="xs"
      w={260}
      maw="100%"
      type="search"
      aria-label={label}
      placeholder={label}
      leftSection={<IconSearch size={14} aria-hidden />}
      value={text}
      onChange={({ currentTarget }) => {
        setText(currentTarget.value);
        report(currentTarget.value.trim());
      }}
      // A report later on would lead back from the link that the user clicks now.
      onBlur={() => report.flush()}
      onKeyDown={(event) => {
        if (event.key === "Escape") event.currentTarget.blur();
      }}
    />
  );
}

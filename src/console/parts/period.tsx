/** A filter by time: two dates, or the exact range that a chart has set. */
import { Button, Group, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { words } from "../words/common.ts";
import { formatRange } from "./format.ts";
import { useZone } from "./preferences.ts";

interface PeriodProps {
  /** Of which time, such as "Created". */
  readonly label: string;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly onChange: (from: string | undefined, to: string | undefined) => void;
}

export function Period({ label, from, to, onChange }: PeriodProps) {
  const [zone] = useZone();
  if (from?.includes("T") || to?.includes("T")) {
    const range = formatRange(from, to, zone);
    return (
      <Button
        size="xs"
        variant="light"
        rightSection={<IconX size={14} aria-hidden />}
        aria-label={`${words.clearFilter(label)}: ${range}`}
        onClick={() => onChange(undefined, undefined)}
      >
        {label} {range}
      </Button>
    );
  }
  const field = (name: string, value: string | undefined, change: (value: string | undefined) => void) => (
    <TextInput
      type="date"
      size="xs"
      w={128}
      aria-label={`${label}: ${name}`}
      title={`${label}: ${name}`}
      value={value ?? ""}
      onChange={({ currentTarget }) => change(currentTarget.value || undefined)}
    />
  );
  return (
    <Group gap={4} wrap="nowrap">
      {field(words.from, from, (value) => onChange(value, to))}–
      {field(words.to, to, (value) => onChange(from, value))}
    </Group>
  );
}

/** The cron expression and its zone, with the next ticks while the user types. */
import { Alert, Button, Group, Select, Stack, Text, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { client } from "../../api/client.ts";
import { fieldError, messageOf } from "../../parts/feedback.tsx";
import { scheduleWords } from "../../words/schedules.ts";
import type { Problems } from "../tasks/form/problems.ts";
import { TickList } from "./tick-list.tsx";

const words = scheduleWords.form;
const SHOWN_ZONES = 60;

interface Timing {
  readonly cron: string;
  readonly timezone: string;
}

const ZONES = [...new Set(["UTC", ownZone(), ...Intl.supportedValuesOf("timeZone")])];

export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

interface TimingFieldsProps {
  readonly timing: Timing;
  readonly onChange: (timing: Timing) => void;
  readonly problems: Problems;
}

export function TimingFields({ timing, onChange, problems }: TimingFieldsProps) {
  const { cron, timezone } = timing;
  const [wanted] = useDebouncedValue(cron.trim(), 300);
  const preview = useQuery({
    queryKey: ["/api/v1/schedules/preview", { cron: wanted, timezone }],
    queryFn: ({ signal }) =>
      client.post("/api/v1/schedules/preview", { body: { cron: wanted, timezone, count: 5 }, signal }),
    enabled: wanted !== "",
    staleTime: 10_000,
  });
  const cronError = problems.cron ?? fieldError(preview.error, "cron");
  const zones = ZONES.includes(timezone) ? ZONES : [timezone, ...ZONES];
  return (
    <Stack gap="md">
      <Stack gap={6}>
        <TextInput
          label={words.cron}
          description={words.cronHint}
          required
          error={cronError}
          value={cron}
          autoComplete="off"
          spellCheck={false}
          styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
          onChange={({ currentTarget }) => onChange({ cron: currentTarget.value, timezone })}
        />
        <Group gap={6} role="group" aria-label={words.presets}>
          {Object.entries(words.presetNames).map(([expression, name]) => (
            <Button
              key={expression}
              size="compact-xs"
              variant="default"
              onClick={() => onChange({ cron: expression, timezone })}
            >
              {name}
            </Button>
          ))}
        </Group>
      </Stack>
      <Select
        label={words.zone}
        searchable
        limit={SHOWN_ZONES}
        allowDeselect={false}
        data={zones}
        maw={360}
        value={timezone}
        error={problems.timezone ?? fieldError(preview.error, "timezone")}
        onChange={(zone) => onChange({ cron, timezone: zone ?? "UTC" })}
      />
      <Stack gap={6} aria-live="polite">
        <Text size="sm" fw={550}>
          {scheduleWords.preview}
        </Text>
        {preview.data && <TickList ticks={preview.data.next_ticks} timeZone={timezone} />}
        {preview.error && !cronError && <Alert color="red">{messageOf(preview.error)}</Alert>}
        {!preview.data && !preview.error && (
          <Text size="sm" c="dimmed">
            {scheduleWords.previewEmpty}
          </Text>
        )}
      </Stack>
    </Stack>
  );
}

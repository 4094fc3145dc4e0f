import { Checkbox, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../api/queries.ts";
import { Loading } from "../../parts/feedback.tsx";
import { kindWords } from "../../words/kinds.ts";
import { webhookWords as words } from "../../words/webhooks.ts";
import type { Kind } from "./kind.ts";

interface EventFieldProps {
  readonly value: readonly Kind[];
  readonly onChange: (value: Kind[]) => void;
  readonly error: string | undefined;
}

/** The kinds that the user can get, as the API describes them. */
export function EventField({ value, onChange, error }: EventFieldProps) {
  const { data } = useQuery(apiQuery("/api/v1/notification-preferences"));
  if (!data) return <Loading lines={4} />;
  // Kinds such as mails that were refused are for people alone.
  const kinds = data.items.filter(({ kind, defaults }) => defaults.webhook || value.includes(kind));
  return (
    <Checkbox.Group
      label={words.events}
      description={words.eventsHint}
      error={error}
      value={[...value]}
      onChange={(chosen) => onChange(kinds.map(({ kind }) => kind).filter((kind) => chosen.includes(kind)))}
    >
      <Stack gap="xs" mt="xs">
        {kinds.map(({ kind, description, channels }) => (
          <Checkbox
            key={kind}
            value={kind}
            label={
              <>
                {kindWords[kind] ?? kind}{" "}
                <Text span size="xs" c="dimmed" ff="monospace">
                  {kind}
                </Text>
              </>
            }
            description={channels.webhook ? description : `${description} ${words.switchedOff}`}
          />
        ))}
      </Stack>
    </Checkbox.Group>
  );
}

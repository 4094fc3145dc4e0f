import { Alert, Button, Checkbox, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate } from "../../api/queries.ts";
import { announce } from "../../parts/announce.ts";
import { Failure, Loading, showFailure } from "../../parts/feedback.tsx";
import { LinkTo } from "../../parts/link.tsx";
import { preferenceWords as words } from "../../words/account.ts";
import { kindWords } from "../../words/kinds.ts";
import { Section } from "./section.tsx";

type Preference = Schemas["NotificationPreference"];
type Channel = keyof Preference["channels"];
type Changes = Partial<Record<Preference["kind"], Partial<Record<Channel, boolean | null>>>>;

const PATH = "/api/v1/notification-preferences";
const CHANNELS = ["in_app", "email", "webhook"] as const;

export function Preferences() {
  const found = useQuery(apiQuery(PATH));
  const saving = useMutation({
    mutationFn: (body: Changes) => client.patch(PATH, { body }),
    onSuccess: () => announce(words.saved, true),
    onError: showFailure,
    onSettled: () => invalidate(PATH),
  });
  if (found.isPending) return <Loading />;
  if (found.error) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const { items, email_status } = found.data;
  const changed = items.filter(isChanged);
  return (
    <Section
      title={words.title}
      description={words.description}
      actions={
        changed.length > 0 && (
          <Button
            variant="default"
            size="xs"
            loading={saving.isPending}
            onClick={() =>
              saving.mutate(
                Object.fromEntries(
                  changed.map(({ kind }) => [kind, { in_app: null, email: null, webhook: null }]),
                ),
              )
            }
          >
            {words.restore}
          </Button>
        )
      }
    >
      {email_status !== "confirmed" && (
        <Alert color="yellow">
          <Group gap="xs">
            <Text size="sm">{words.mail[email_status]}</Text>
            <LinkTo to="/account" search={{}} size="sm" c="inherit" underline="always">
              {words.toProfile}
            </LinkTo>
          </Group>
        </Alert>
      )}
      <div className="panel">
        <table className="table" data-cards>
          <thead>
            <tr>
              <th scope="col">{words.event}</th>
              {CHANNELS.map((channel) => (
                <th key={channel} scope="col" style={{ width: 110 }}>
                  {words.channels[channel]}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {items.map((preference) => (
              <tr key={preference.kind}>
                <td data-title style={{ whiteSpace: "normal" }}>
                  <Stack gap={0}>
                    <Text size="sm" fw={550}>
                      {kindWords[preference.kind] ?? preference.kind}
                    </Text>
                    <Text size="xs" c="dimmed">
                      {preference.description}
                    </Text>
                  </Stack>
                </td>
                {CHANNELS.map((channel) => (
                  <td key={channel} data-label={words.channels[channel]}>
                    <Checkbox
                      aria-label={words.checkbox(
                        kindWords[preference.kind] ?? preference.kind,
                        words.channels[channel],
                      )}
                      checked={isOn(preference, channel, saving.isPending ? saving.variables : {})}
                      onChange={({ currentTarget }) =>
                        saving.mutate({ [preference.kind]: { [channel]: currentTarget.checked } })
                      }
                    />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
  );
}

/** Shows a change before the API has confirmed it. */
function isOn({ kind, channels, defaults }: Preference, channel: Channel, changes: Changes): boolean {
  const change = changes[kind]?.[channel];
  return change === undefined ? channels[channel] : (change ?? defaults[channel]);
}

function isChanged({ channels, defaults }: Preference): boolean {
  return CHANNELS.some((channel) => channels[channel] !== defaults[channel]);
}

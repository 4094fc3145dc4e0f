import { Box, Group, Progress, SimpleGrid, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../api/queries.ts";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatBytes, formatCount } from "../../parts/format.ts";
import { usageWords as words } from "../../words/account.ts";
import { Section } from "./section.tsx";

type Name = keyof typeof words.names;
const NAMES = Object.keys(words.names) as Name[];

/** From this share of a limit on, its bar warns. */
const NEARLY_FULL = 0.9;

export function Usage() {
  const { data, error, refetch } = useQuery(apiQuery("/api/v1/auth/me/usage"));
  return (
    <Section title={words.title}>
      {error ? (
        <Failure error={error} onRetry={() => void refetch()} />
      ) : (
        <Box className="panel" p="md">
          {data ? (
            <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="xl" verticalSpacing="md">
              {NAMES.map((name) => (
                <Amount key={name} name={name} {...data[name]} />
              ))}
            </SimpleGrid>
          ) : (
            <Loading lines={4} />
          )}
        </Box>
      )}
    </Section>
  );
}

function Amount({ name, used, limit }: { name: Name; used: number; limit: number | null }) {
  const format = name.endsWith("_bytes") ? formatBytes : formatCount;
  const share = limit === null ? 0 : Math.min(1, used / Math.max(1, limit));
  const text = limit === null ? format(used) : words.of(format(used), format(limit));
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={6}>
        <Text size="sm">{words.names[name]}</Text>
        <Text size="sm" c="dimmed">
          {text}
        </Text>
      </Group>
      {limit !== null && (
        <Progress
          size="sm"
          value={share * 100}
          color={share >= NEARLY_FULL ? "red" : "indigo"}
          aria-label={`${words.names[name]}: ${text}`}
        />
      )}
    </div>
  );
}

/** The results of an import. */
import { Alert, Anchor, Button, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import { IconInfoCircle, IconTool } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { formatCount } from "../../parts/format.ts";
import { Section } from "../../parts/section.tsx";
import { batchWords as words } from "../../words/batches.ts";
import { allows } from "../allowed-actions.ts";
import { Causes } from "./causes.tsx";
import { hasEnded } from "./choices.ts";
import type { Batch } from "./data/types.ts";
import { Downloads } from "./downloads.tsx";

export function Overview({ batch }: { readonly batch: Batch }) {
  const { id, counts, state, warnings } = batch;
  return (
    <Stack gap="md">
      {(hasEnded(state) || state === "undoing") && <Result batch={batch} />}
      {Object.keys(warnings).some((name) => (warnings[name] ?? 0) > 0) && <Warnings warnings={warnings} />}
      {counts.failed > 0 && (
        <Section
          title={words.causes}
          actions={
            allows(batch, "edit_rows") && (
              <Button
                component={Link}
                to={`/batches/${id}`}
                search={{ tab: "failed" } as never}
                size="xs"
                leftSection={<IconTool size={14} aria-hidden />}
              >
                {words.fixRows}
              </Button>
            )
          }
        >
          <Causes batch={batch} />
        </Section>
      )}
      {state !== "receiving" && <Downloads batch={batch} />}
    </Stack>
  );
}

/** A dry run says what it would do. */
function Result({ batch }: { readonly batch: Batch }) {
  const { id, records, undo, state, counts, dry_run } = batch;
  const isTrial = dry_run && state === "validated";
  const numbers = [
    ...(["created", "updated", "unchanged"] as const).map((name) => ({
      name: words.recordNames[name],
      count: records[name],
    })),
    { name: words.outcomes.failed, count: counts.failed },
  ];
  return (
    <Section title={isTrial ? words.dryRecords : words.result}>
      {words.results[state] && <Text size="sm">{words.results[state]}</Text>}
      <Numbers numbers={numbers} />
      {undo && (
        <>
          <Title order={3} size="sm">
            {words.undoTitle}
          </Title>
          <Numbers
            numbers={(["reversed", "kept", "failed"] as const).map((name) => ({
              name: words.undoCounts[name],
              count: undo[name],
              action: name !== "reversed" && undo[name] > 0 && (
                <Anchor
                  component={Link}
                  to={`/batches/${id}`}
                  search={{ tab: "rows", undo: name } as never}
                  size="sm"
                >
                  {words.showThese}
                </Anchor>
              ),
            }))}
          />
        </>
      )}
    </Section>
  );
}

interface Numbered {
  readonly name: string;
  readonly count: number;
  readonly action?: ReactNode;
}

function Numbers({ numbers }: { readonly numbers: readonly Numbered[] }) {
  return (
    <SimpleGrid cols={{ base: 2, xs: 4 }} component="dl" m={0}>
      {numbers.map(({ name, count, action }) => (
        <div key={name}>
          <Text component="dt" size="xs" c="dimmed">
            {name}
          </Text>
          <Text component="dd" m={0} fw={650} size="xl">
            {formatCount(count)}
          </Text>
          {action}
        </div>
      ))}
    </SimpleGrid>
  );
}

function Warnings({ warnings }: { readonly warnings: Batch["warnings"] }) {
  return (
    <Alert color="yellow" variant="light" icon={<IconInfoCircle aria-hidden />} title={words.warningsTitle}>
      {Object.entries(warnings).map(([name, count]) =>
        count > 0 ? (
          <Text key={name} size="sm">
            {words.warnings[name] ?? name}: {formatCount(count)}
          </Text>
        ) : null,
      )}
    </Alert>
  );
}

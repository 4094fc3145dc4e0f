/** How the file was read, where its columns go, and the options of the import. */
import { Stack, Text } from "@mantine/core";
import { type Fact, Facts } from "../../parts/facts.tsx";
import { formatCount, formatDuration, formatShare } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/section.tsx";
import { batchWords as words } from "../../words/batches.ts";
import { words as common } from "../../words/common.ts";
import type { Batch } from "./data/types.ts";
import { useTarget } from "./data/use-target.ts";

export function FileDetails({ batch }: { readonly batch: Batch }) {
  return (
    <Stack gap="md">
      <Mapping batch={batch} />
      {batch.dialect && <Reading dialect={batch.dialect} />}
      <Options batch={batch} />
    </Stack>
  );
}

function Reading({ dialect }: { readonly dialect: NonNullable<Batch["dialect"]> }) {
  const facts = Object.entries(words.dialect).flatMap(([key, name]) => {
    const value = dialect[key];
    if (value === undefined || value === null) return [];
    const confidence = dialect[`${key}_confidence`];
    const isGuess = typeof confidence === "number" && confidence < 1;
    const text = `${readable(key, value)}${isGuess ? ` (${words.confidence(formatShare(confidence))})` : ""}`;
    return [[name, text] as const];
  });
  return (
    <Section title={words.reading}>
      <Facts facts={facts} />
    </Section>
  );
}

function readable(key: string, value: unknown): string {
  if (typeof value === "boolean") return value ? common.yes : common.no;
  return (key === "delimiter" ? words.delimiters[String(value)] : undefined) ?? String(value);
}

function Mapping({ batch: { header, mapping, target } }: { readonly batch: Batch }) {
  const known = useTarget(target);
  const targetOf = new Map(Object.entries(mapping).map(([column, name]) => [name, column]));
  const missing =
    known?.columns.filter(({ name }) => mapping[name] === undefined).map(({ name }) => name) ?? [];
  const isOpen = known?.open ?? false;
  return (
    <Section title={words.mapping}>
      <div style={{ maxHeight: 360, overflowY: "auto" }}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{words.fileColumn}</th>
              <th scope="col">{words.targetColumn}</th>
            </tr>
          </thead>
          <tbody>
            {header.map((name) => (
              <tr key={name}>
                <td title={name}>{name}</td>
                <td>
                  {targetOf.get(name) ??
                    (isOpen ? (
                      name
                    ) : (
                      <Text span size="sm" c="dimmed">
                        {words.ignored}
                      </Text>
                    ))}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {missing.length > 0 && (
        <Text size="sm" c="dimmed">
          {words.unmapped(missing.join(", "))}
        </Text>
      )}
    </Section>
  );
}

function Options({ batch }: { readonly batch: Batch }) {
  const { mode, policy, dry_run, max_errors, rows_per_second_limit, row_delay_ms, sha256 } = batch;
  const { optionNames: names } = words;
  const facts: Fact[] = [
    [names.mode, words.modes[mode] ?? mode],
    [names.policy, words.policies[policy] ?? policy],
    [names.dry_run, dry_run ? common.yes : common.no],
    ...(max_errors === null ? [] : [[names.max_errors, max_errors] as const]),
    ...(rows_per_second_limit === null
      ? []
      : [[names.rows_per_second_limit, formatCount(rows_per_second_limit)] as const]),
    ...(row_delay_ms === 0 ? [] : [[names.row_delay_ms, formatDuration(row_delay_ms / 1000)] as const]),
    [names.queued, <Moment key="queued" at={batch.queued_at} exact />],
    [names.started, <Moment key="started" at={batch.started_at} exact />],
    [names.finished, <Moment key="finished" at={batch.finished_at} exact />],
    ...(sha256 === null ? [] : [[names.sha256, sha256] as const]),
  ];
  return (
    <Section title={words.options}>
      <Facts facts={facts} />
    </Section>
  );
}

/** For a target with columns of its own: each gets a column of the file. */
import { Badge, Group, Select, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/Pill.layer.css";
import { formatCount } from "../../parts/format.ts";
import { importWords } from "../../words/imports.ts";
import { targetFormWords } from "../../words/target-form.ts";
import {
  assign,
  countResultColumns,
  type Mapping,
  type Match,
  samplesOf,
  type Target,
  unmappedPositions,
} from "./mapping.ts";
import type { Preview } from "./preview/read-preview.ts";
import { Samples } from "./samples.tsx";

const words = importWords.columns;
const { types } = targetFormWords.columns;
const MAX_SHOWN = 100;

export interface MappingProps {
  readonly target: Target;
  readonly preview: Preview;
  readonly mapping: Mapping;
  readonly match: Match;
  readonly onChange: (mapping: Mapping) => void;
}

export function ClosedMapping({ target, preview, mapping, match, onChange }: MappingProps) {
  const kept = preview.names.slice(0, preview.names.length - countResultColumns(preview.names));
  const options = kept.map((name, at) => ({ value: String(at), label: name }));
  const columns = [...target.columns].sort((a, b) => Number(b.required) - Number(a.required));
  return (
    <>
      <div className="panel">
        <table className="table import-mapping" data-cards>
          <thead>
            <tr>
              <th scope="col">{words.targetColumn(target.title)}</th>
              <th scope="col">{words.fileColumn}</th>
              <th scope="col">{words.samples}</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((column) => {
              const at = mapping.indexOf(column.name);
              return (
                <tr key={column.name}>
                  <td data-title>
                    <TargetColumn column={column} />
                  </td>
                  <td>
                    <Group gap="xs" wrap="nowrap">
                      <Select
                        aria-label={words.fileColumnFor(column.label ?? column.name)}
                        className="import-select"
                        data={options}
                        value={at === -1 ? null : String(at)}
                        onChange={(value) =>
                          onChange(assign(mapping, column.name, value === null ? null : Number(value)))
                        }
                        placeholder={column.required ? words.choose : words.none}
                        error={column.required && at === -1}
                        searchable
                        clearable
                        limit={MAX_SHOWN}
                        maxDropdownHeight={280}
                        renderOption={({ option }) => (
                          <div className="import-option">
                            <Text size="sm">{option.label}</Text>
                            <Text size="xs" c="dimmed" truncate>
                              {samplesOf(preview.rows, Number(option.value)).join(" · ") || words.noSamples}
                            </Text>
                          </div>
                        )}
                      />
                      {at !== -1 && <OriginBadge match={match} column={column.name} at={at} />}
                    </Group>
                  </td>
                  <td>{at !== -1 && <Samples preview={preview} position={at} />}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <Unmapped
        preview={preview}
        positions={unmappedPositions(mapping).filter((position) => position < kept.length)}
      />
    </>
  );
}

function TargetColumn({ column }: { readonly column: Target["columns"][number] }) {
  const { description, formats, values, default: byDefault } = column;
  const facts = [
    ...(description ? [description] : []),
    ...(formats ? [words.formats(formats.join(", "))] : []),
    ...(values ? [words.values(valuesText(values))] : []),
    ...(byDefault ? [words.defaultsTo(byDefault)] : []),
  ];
  return (
    <>
      <Group gap={6} wrap="nowrap">
        <Text size="sm" fw={600} title={column.name}>
          {column.label ?? column.name}
        </Text>
        {column.type !== "text" && (
          <Badge size="xs" variant="default" tt="none" fw={500}>
            {types[column.type]}
          </Badge>
        )}
        {column.required && (
          <Badge size="xs" variant="light" color="red" tt="none">
            {words.required}
          </Badge>
        )}
      </Group>
      {facts.length > 0 && (
        <Text size="xs" c="dimmed" className="import-wrap">
          {facts.join(" ")}
        </Text>
      )}
    </>
  );
}

const MAX_VALUES = 8;

function valuesText(values: readonly string[]): string {
  const shown = values.slice(0, MAX_VALUES).join(", ");
  const rest = values.length - MAX_VALUES;
  return rest > 0 ? `${shown} ${words.more(formatCount(rest))}` : shown;
}

function OriginBadge({
  match,
  column,
  at,
}: {
  readonly match: Match;
  readonly column: string;
  readonly at: number;
}) {
  const origin = match.mapping[at] === column ? match.origins[at] : null;
  return (
    <Badge size="sm" variant="light" tt="none" color={origin ? "indigo" : "gray"} className="import-origin">
      {words.origins[origin ?? "chosen"]}
    </Badge>
  );
}

const MAX_UNMAPPED = 60;

function Unmapped({
  preview,
  positions,
}: {
  readonly preview: Preview;
  readonly positions: readonly number[];
}) {
  if (positions.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {words.noUnmapped}
      </Text>
    );
  return (
    <Stack gap={6}>
      <Text size="sm">
        <Text span fw={600}>
          {words.unmapped} ({formatCount(positions.length)})
        </Text>{" "}
        <Text span c="dimmed">
          {words.unmappedHint}
        </Text>
      </Text>
      <Group gap={6}>
        {positions.slice(0, MAX_UNMAPPED).map((at) => (
          <Badge
            key={at}
            variant="default"
            radius="sm"
            tt="none"
            fw={450}
            maw="100%"
            title={samplesOf(preview.rows, at).join(" · ") || words.noSamples}
          >
            {preview.names[at]}
          </Badge>
        ))}
        {positions.length > MAX_UNMAPPED && (
          <Text size="xs" c="dimmed">
            {words.more(formatCount(positions.length - MAX_UNMAPPED))}
          </Text>
        )}
      </Group>
    </Stack>
  );
}

/** Proposes a definition from the first rows of a file, for the admin to check. */
import { Button, Group, NativeSelect, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { Loading } from "../../../../parts/feedback.tsx";
import { formatCount } from "../../../../parts/format.ts";
import { Section } from "../../../../parts/section.tsx";
import { Snippet } from "../../../../parts/snippet.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import { targetWords } from "../../../../words/targets.ts";
import { FileField } from "../../../imports/file-field.tsx";
import "../../../imports/imports.css";
import type { Preview } from "../../../imports/preview/read-preview.ts";
import { usePreview } from "../../../imports/preview/use-preview.ts";
import { ReadProblem } from "../../../imports/read-problem.tsx";
import { type ColumnType, type Destination, newDestination } from "../definition/definition.ts";
import type { Start } from "../definition/start.ts";
import { createTableSql } from "../guess/create-table.ts";
import { identifiersOf } from "../guess/identifiers.ts";
import { definitionOf, proposeColumns, withType } from "../guess/propose-from-file.ts";
import { GuessTable } from "./guess-table.tsx";

const words = targetWords.start;
const fields = targetFormWords.target;
const DETECT = {};

export function FromFile({ onStart }: { readonly onStart: (start: Start) => void }) {
  const [file, setFile] = useState<File | null>(null);
  const { preview, problem } = usePreview(file, DETECT);
  return (
    <Stack gap="md">
      <FileField file={file} onFile={setFile} />
      {file && problem && <ReadProblem problem={problem} />}
      {file && !preview && !problem && <Loading />}
      {file && preview && (
        <Proposal
          key={`${file.name} ${file.size} ${file.lastModified}`}
          file={file}
          preview={preview}
          onStart={onStart}
        />
      )}
    </Stack>
  );
}

interface ProposalProps {
  readonly file: File;
  readonly preview: Preview;
  readonly onStart: (start: Start) => void;
}

function Proposal({ file, preview, onStart }: ProposalProps) {
  const name = nameFor(file.name);
  const [destination, setDestination] = useState<Destination>({ type: "records" });
  const [types, setTypes] = useState<Readonly<Record<number, ColumnType>>>({});
  const proposal = useMemo(
    () =>
      proposeColumns(
        preview.names,
        preview.rows.map(({ cells }) => cells),
      ),
    [preview],
  );
  const columns = proposal.columns.map(({ column }, at) => {
    const type = types[at];
    return type === undefined || type === column.type ? column : withType(column, type);
  });
  const definition = definitionOf(proposal, columns, destination);
  const kinds = Object.entries(fields.destinations).map(([value, label]) => ({ value, label }));
  return (
    <>
      <Section title={words.destination}>
        <NativeSelect
          label={fields.destination}
          description={fields.destinationHints[destination.type]}
          data={kinds}
          value={destination.type}
          onChange={({ currentTarget: { value } }) =>
            setDestination(
              value === "table"
                ? { type: "table", schema: "public", table: name }
                : newDestination(value === "http" ? "http" : "records"),
            )
          }
        />
        {destination.type === "table" && (
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextInput
              label={fields.schema}
              value={destination.schema}
              spellCheck={false}
              onChange={({ currentTarget }) =>
                setDestination({ ...destination, schema: currentTarget.value })
              }
            />
            <TextInput
              label={fields.table}
              value={destination.table}
              spellCheck={false}
              onChange={({ currentTarget }) => setDestination({ ...destination, table: currentTarget.value })}
            />
          </SimpleGrid>
        )}
        {destination.type === "http" && (
          <TextInput
            label={fields.url}
            placeholder="https://"
            value={destination.url}
            spellCheck={false}
            onChange={({ currentTarget }) => setDestination({ ...destination, url: currentTarget.value })}
          />
        )}
      </Section>
      <Section title={words.guesses}>
        <Text size="sm" c="dimmed">
          {words.guessesHint(formatCount(preview.rows.length))}
          {definition.key && ` ${words.key(definition.key.columns.join(", "))}`}
        </Text>
        <GuessTable
          preview={preview}
          guesses={proposal.columns}
          columns={columns}
          onType={(at, type) => setTypes({ ...types, [at]: type })}
        />
        <Locale locale={proposal.locale} />
      </Section>
      {destination.type === "table" && (
        <Section title={words.sql}>
          <Text size="sm" c="dimmed">
            {words.sqlHint}
          </Text>
          <Snippet text={createTableSql(definition)} label={words.sql} />
        </Section>
      )}
      <Group justify="flex-end">
        <Button
          onClick={() =>
            onStart({ name: name.replaceAll(/[^a-z0-9_-]/g, ""), definition, notes: [], sample: file })
          }
        >
          {words.continue}
        </Button>
      </Group>
    </>
  );
}

/** The style of numbers, dates and words in the file, if it is not the default. */
function Locale({ locale }: { readonly locale: ReturnType<typeof proposeColumns>["locale"] }) {
  const { locale: names } = targetFormWords;
  const facts = [
    ...(locale.decimal ? [`${names.decimal}: ${locale.decimal}`] : []),
    ...(locale.group ? [`${names.group}: ${names.groups[locale.group]}`] : []),
    ...(locale.date_order ? [`${names.dateOrder}: ${names.dateOrders[locale.date_order]}`] : []),
    ...(locale.null ? [`${names.null}: ${locale.null.join(", ")}`] : []),
  ];
  return (
    <Text size="sm">
      <Text span fw={550}>
        {words.locale}:
      </Text>{" "}
      {facts.length > 0 ? facts.join(" · ") : words.localeNone}
    </Text>
  );
}

/** The name of a file without its ending, as a name of a table and of a target. */
function nameFor(filename: string): string {
  const [name = ""] = identifiersOf([filename.replace(/(\.[a-z0-9]{1,5}){1,2}$/i, "")]);
  return name.slice(0, 60);
}

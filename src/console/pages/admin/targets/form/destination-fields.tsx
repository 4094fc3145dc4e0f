import { Collapse, SimpleGrid } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { apiQuery } from "../../../../api/queries.ts";
import { Disclosure } from "../../../../parts/disclosure.tsx";
import { Snippet } from "../../../../parts/snippet.tsx";
import { targetFormWords } from "../../../../words/target-form.ts";
import { targetWords } from "../../../../words/targets.ts";
import type { Definition } from "../definition/definition.ts";
import { createTableSql } from "../guess/create-table.ts";
import { bindTo } from "./bound.ts";
import { FlagField, KnownTextField, LinesField, NumberField, TextField } from "./inputs.tsx";
import { formatHeaders, parseHeaders } from "./lines.ts";
import type { PartProps } from "./part-props.ts";

const words = targetFormWords.target;

export function DestinationFields({ definition, onChange }: PartProps) {
  const { destination } = definition;
  const secrets = useQuery({
    ...apiQuery("/api/v1/admin/secrets"),
    enabled: destination.type === "http",
    staleTime: 60_000,
  });
  if (destination.type === "records") return null;
  if (destination.type === "table") {
    const bind = bindTo(destination, "destination", (next) => onChange({ ...definition, destination: next }));
    return (
      <>
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextField label={words.schema} field={bind("schema")} isRequired isCode maxLength={63} />
          <TextField label={words.table} field={bind("table")} isRequired isCode maxLength={63} />
        </SimpleGrid>
        <TableSql definition={definition} />
      </>
    );
  }
  const bind = bindTo(destination, "destination", (next) => onChange({ ...definition, destination: next }));
  return (
    <>
      <TextField label={words.url} field={bind("url")} isRequired isCode placeholder="https://" />
      <LinesField
        label={words.headers}
        hint={words.headersHint}
        field={bind("headers")}
        format={formatHeaders}
        parse={parseHeaders}
      />
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <KnownTextField
          label={words.signWith}
          hint={words.signWithHint}
          known={secrets.data?.items.map(({ name }) => name) ?? []}
          field={bind("sign_with")}
        />
        <TextField label={words.undoUrl} hint={words.undoUrlHint} field={bind("undo_url")} isCode />
        <NumberField label={words.batchSize} field={bind("batch_size")} min={1} max={500} />
        <NumberField label={words.maxInFlight} field={bind("max_in_flight")} min={1} max={10} />
        <NumberField label={words.rowsPerSecond} field={bind("rows_per_second")} min={1} max={100_000} />
        <NumberField label={words.timeout} field={bind("timeout_seconds")} min={1} max={300} />
      </SimpleGrid>
      <FlagField label={words.trustEmpty} field={bind("trust_empty")} />
      <FlagField label={words.dryRun} field={bind("supports_dry_run")} />
    </>
  );
}

/** For a table that does not exist yet. */
function TableSql({ definition }: { readonly definition: Definition }) {
  const [isOpen, setOpen] = useState(false);
  const { sql } = targetWords.start;
  return (
    <>
      <Disclosure isOpen={isOpen} onToggle={() => setOpen(!isOpen)} label={sql} />
      <Collapse expanded={isOpen}>
        {isOpen && <Snippet text={createTableSql(definition)} label={sql} />}
      </Collapse>
    </>
  );
}

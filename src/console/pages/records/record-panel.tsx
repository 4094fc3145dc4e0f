import { Anchor, Box, Stack, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { apiQuery } from "../../api/queries.ts";
import { Facts } from "../../parts/facts.tsx";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { SidePanel } from "../../parts/side-panel.tsx";
import { recordWords as words } from "../../words/records.ts";

/** `_extra` is a list: the cells beyond the header. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  // The cells beyond the header.
  if (Array.isArray(value) && value.every((cell) => typeof cell === "string")) return value.join(" | ");
  return value === null ? "" : JSON.stringify(value);
}

interface RecordPanelProps {
  readonly id: number;
  readonly onClose: () => void;
}

/** All cells of a record. Its list shows the first ones. */
export function RecordPanel({ id, onClose }: RecordPanelProps) {
  const { data, error } = useQuery(apiQuery("/api/v1/records/{id}", { path: { id } }));
  return (
    <SidePanel title={words.named(formatCount(id))} onClose={onClose}>
      {error ? <Failure error={error} /> : data ? <Details record={data} /> : <Loading />}
    </SidePanel>
  );
}

function Details({ record: { data, batch_id, row, created_at } }: { record: Schemas["SavedRecord"] }) {
  return (
    <Stack>
      <Facts
        facts={[
          [
            words.fromImport,
            <Anchor key="batch" component={Link} to={`/batches/${batch_id}`} size="sm" ff="monospace">
              {batch_id}
            </Anchor>,
          ],
          [words.row, formatCount(row)],
          [words.created, <Moment key="at" at={created_at} exact />],
        ]}
      />
      <Title order={3} size="h2">
        {words.cells}
      </Title>
      <Box style={{ whiteSpace: "pre-wrap" }}>
        <Facts facts={Object.entries(data).map(([name, cell]) => [name, textOf(cell)] as const)} />
      </Box>
    </Stack>
  );
}

import { Anchor, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { apiQuery } from "../../api/queries.ts";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { batchWords as words } from "../../words/batches.ts";
import type { Batch } from "./data/types.ts";

/** Thousands of failed rows usually have a few causes. */
export function Causes({ batch: { id } }: { readonly batch: Batch }) {
  const found = useQuery({
    ...apiQuery("/api/v1/batches/{batch_id}/errors", { path: { batch_id: id } }),
    // Grouping a million rows takes seconds.
    staleTime: 5000,
  });
  if (!found.data) return found.error ? <Failure error={found.error} /> : <Loading lines={3} />;
  const { groups, ungrouped } = found.data;
  return (
    <>
      {groups.map(({ code, column, message, count, rows }) => (
        <div key={`${code} ${column}`} className="line">
          <div className="line-text">
            <Text size="sm" style={{ overflowWrap: "anywhere" }}>
              {message}
            </Text>
            <Text size="xs" c="dimmed">
              {code}
              {column !== null && ` · ${column}`} · {words.firstRows(rows.map(formatCount).join(", "))}
            </Text>
          </div>
          <Text size="sm" fw={600} style={{ whiteSpace: "nowrap" }}>
            {words.rowsText(count, formatCount(count))}
          </Text>
          <Anchor
            component={Link}
            to={`/batches/${id}`}
            search={{ tab: "failed", code, ...(column === null ? { whole: true } : { column }) } as never}
            size="sm"
            aria-label={words.showTheseOf(message)}
            style={{ whiteSpace: "nowrap" }}
          >
            {words.showThese}
          </Anchor>
        </div>
      ))}
      {groups.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.noCauses}
        </Text>
      )}
      {ungrouped > 0 && (
        <Text size="xs" c="dimmed">
          {words.ungrouped(formatCount(ungrouped))}
        </Text>
      )}
    </>
  );
}

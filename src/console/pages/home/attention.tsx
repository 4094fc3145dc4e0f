import { Text } from "@mantine/core";
import type { Schemas } from "../../../client/operations.ts";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { homeWords as words } from "../../words/home.ts";
import { allows } from "../allowed-actions.ts";
import type { ListedBatch } from "../batches/data/types.ts";
import { nameOf } from "../tasks/task-names.ts";
import { Block, Line } from "./block.tsx";

type ListedTask = Pick<
  Schemas["Task"],
  "id" | "title" | "type" | "number" | "status" | "error_message" | "completed_at"
>;

const MAX_LINES = 8;

/** Imports with failed rows, checked ones that nobody has imported, and failed tasks. */
export function Attention({
  batches,
  tasks,
}: {
  readonly batches: readonly ListedBatch[];
  readonly tasks: readonly ListedTask[];
}) {
  const lines = [
    ...batches
      .filter((batch) => allows(batch, "commit") || (batch.counts.failed > 0 && allows(batch, "retry")))
      .map((batch) => {
        const { id, filename, state, counts, finished_at } = batch;
        const isFailed = counts.failed > 0;
        return (
          <Line
            key={id}
            to={`/batches/${id}`}
            name={filename}
            detail={
              <>
                {isFailed ? words.failedRows(counts.failed, formatCount(counts.failed)) : words.readyToImport}{" "}
                · <Moment at={finished_at} />
              </>
            }
          >
            <StateBadge state={state} />
          </Line>
        );
      }),
    ...tasks
      .filter(({ status }) => status === "failed")
      .map(({ id, status, error_message, completed_at, ...task }) => (
        <Line
          key={id}
          to={`/tasks/${id}`}
          name={nameOf(task)}
          detail={
            <>
              <Text span size="xs" lineClamp={1}>
                {error_message ?? words.failedTask}
              </Text>
              <Moment at={completed_at} />
            </>
          }
        >
          <StateBadge state={status} />
        </Line>
      )),
  ];
  return (
    <Block title={words.attention} empty={words.nothingWrong}>
      {lines.slice(0, MAX_LINES)}
    </Block>
  );
}

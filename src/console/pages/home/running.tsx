import type { Schemas } from "../../../client/operations.ts";
import { formatShare } from "../../parts/format.ts";
import { StateBadge } from "../../parts/states.tsx";
import { batchWords } from "../../words/batches.ts";
import { homeWords as words } from "../../words/home.ts";
import type { ListedBatch } from "../batches/data/types.ts";
import { OutcomeSummary } from "../batches/outcome-bar.tsx";
import { titleOf } from "../tasks/form/fields.ts";
import { nameOf } from "../tasks/task-names.ts";
import { Block, Line } from "./block.tsx";

type ListedTask = Pick<Schemas["Task"], "id" | "title" | "type" | "number" | "status" | "progress">;

const MAX_LINES = 8;

export function Running({
  batches,
  tasks,
}: {
  readonly batches: readonly ListedBatch[];
  readonly tasks: readonly ListedTask[];
}) {
  const lines = [
    ...batches.map((batch) => (
      <Line
        key={batch.id}
        to={`/batches/${batch.id}`}
        name={batch.filename}
        detail={batchWords.into(batch.target)}
      >
        <StateBadge state={batch.state} />
        <OutcomeSummary batch={batch} />
      </Line>
    )),
    ...tasks.map(({ id, status, progress, ...task }) => (
      <Line key={id} to={`/tasks/${id}`} name={nameOf(task)} detail={titleOf(task.type)}>
        <StateBadge state={status} />
        <progress
          className="home-progress"
          max={100}
          value={progress}
          aria-label={words.progressOf(nameOf(task))}
          title={formatShare(progress / 100)}
        />
      </Line>
    )),
  ];
  return (
    <Block title={words.running} empty={words.nothingRunning} more={{ to: "/tasks", name: words.allTasks }}>
      {lines.slice(0, MAX_LINES)}
    </Block>
  );
}

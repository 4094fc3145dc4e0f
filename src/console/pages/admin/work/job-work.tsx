import { LinkTo } from "../../../parts/link.tsx";
import { adminWorkWords as words } from "../../../words/admin-work.ts";

interface JobWorkProps {
  readonly taskId: string | null;
  readonly batchId: string | null;
}

/** Links to what a job works on. Upkeep works on nothing of a user. */
export function JobWork({ taskId, batchId }: JobWorkProps) {
  if (taskId) {
    return (
      <LinkTo to="/admin/tasks/$taskId" params={{ taskId }} size="sm">
        {words.openTask} {taskId.slice(-8)}
      </LinkTo>
    );
  }
  if (batchId) {
    return (
      <LinkTo to="/admin/batches/$batchId" params={{ batchId }} size="sm">
        {words.openBatch} {batchId.slice(-8)}
      </LinkTo>
    );
  }
  return <span aria-hidden>–</span>;
}

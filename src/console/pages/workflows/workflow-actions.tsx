import { Button } from "@mantine/core";
import { IconPlayerStop, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { showDone } from "../../parts/feedback.tsx";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { workflowWords as words } from "../../words/workflows.ts";
import { allows } from "../allowed-actions.ts";
import { type LifeAction, LifeQuestions } from "../life-questions.tsx";
import type { WorkflowDetail } from "./workflow-names.ts";

interface WorkflowActionsProps {
  readonly workflow: WorkflowDetail;
  /** Otherwise, an operator looks at the workflow of somebody. */
  readonly isOwn: boolean;
}

export function WorkflowActions({ workflow, isOwn }: WorkflowActionsProps) {
  const [asked, setAsked] = useState<LifeAction | null>(null);
  const moveOn = useMoveOn();
  const path = { workflow_id: workflow.id };
  const refresh = () => invalidate(isOwn ? "/api/v1/workflows" : "/api/v1/admin/workflows");
  const cancel = async (reason: string) => {
    const body = reason ? { reason } : {};
    if (isOwn) await client.post("/api/v1/workflows/{workflow_id}/cancel", { path, body });
    else await client.post("/api/v1/admin/workflows/{workflow_id}/cancel", { path, body });
    await refresh();
    showDone(words.cancelled);
  };
  const retry = async () => {
    await client.post("/api/v1/workflows/{workflow_id}/retry", { path });
    await refresh();
    showDone(words.retrying);
  };
  const remove = async () => {
    await client.delete("/api/v1/workflows/{workflow_id}", { path });
    showDone(words.removed);
    await moveOn({ to: "/workflows" });
    await refresh();
  };
  return (
    <>
      {allows(workflow, "cancel") && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          onClick={() => setAsked("cancel")}
        >
          {words.cancel}
        </Button>
      )}
      {isOwn && allows(workflow, "delete") && (
        <Button
          variant="default"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setAsked("delete")}
        >
          {words.remove}
        </Button>
      )}
      {isOwn && allows(workflow, "retry") && (
        <Button leftSection={<IconRefresh size={16} aria-hidden />} onClick={() => setAsked("retry")}>
          {words.retry}
        </Button>
      )}
      <LifeQuestions
        asked={asked}
        onClose={() => setAsked(null)}
        words={words}
        cancel={cancel}
        retry={retry}
        remove={remove}
      />
    </>
  );
}

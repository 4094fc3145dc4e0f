import { Button, TextInput } from "@mantine/core";
import { IconPlayerStop, IconRefresh, IconTrash } from "@tabler/icons-react";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { showDone } from "../../parts/feedback.tsx";
import { workflowWords as words } from "../../words/workflows.ts";
import { allows } from "../allowed-actions.ts";
import type { WorkflowDetail } from "./workflow-names.ts";

interface WorkflowActionsProps {
  readonly workflow: WorkflowDetail;
  /** Otherwise, an operator looks at the workflow of somebody. */
  readonly isOwn: boolean;
}

export function WorkflowActions({ workflow, isOwn }: WorkflowActionsProps) {
  const [asked, setAsked] = useState<"cancel" | "retry" | "delete" | null>(null);
  const [reason, setReason] = useState("");
  const navigate = useNavigate();
  const path = { workflow_id: workflow.id };
  const refresh = () => invalidate(isOwn ? "/api/v1/workflows" : "/api/v1/admin/workflows");
  const cancel = async () => {
    const body = reason.trim() ? { reason: reason.trim() } : {};
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
    await navigate({ to: "/workflows" });
    await refresh();
  };
  const close = () => setAsked(null);
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
      <Confirm
        isOpen={asked === "cancel"}
        onClose={close}
        title={words.cancelTitle}
        action={words.cancel}
        isDangerous
        run={cancel}
      >
        {words.cancelHint}
        <TextInput
          mt="sm"
          label={words.reason}
          maxLength={1000}
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </Confirm>
      <Confirm
        isOpen={asked === "retry"}
        onClose={close}
        title={words.retryTitle}
        action={words.retry}
        run={retry}
      >
        {words.retryHint}
      </Confirm>
      <Confirm
        isOpen={asked === "delete"}
        onClose={close}
        title={words.removeTitle}
        action={words.remove}
        isDangerous
        run={remove}
      >
        {words.removeHint}
      </Confirm>
    </>
  );
}

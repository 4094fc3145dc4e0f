import { Button, Menu, TextInput } from "@mantine/core";
import { IconChevronDown, IconPlayerStop, IconRefresh, IconRepeat, IconTrash } from "@tabler/icons-react";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { showDone, showFailure } from "../../parts/feedback.tsx";
import { words as commonWords } from "../../words/common.ts";
import { taskWords as words } from "../../words/tasks.ts";
import { allows } from "../allowed-actions.ts";

type Task = Schemas["Task"];

interface TaskActionsProps {
  readonly task: Task;
  /** Otherwise, an operator looks at the task of somebody. */
  readonly isOwn: boolean;
}

export function TaskActions({ task, isOwn }: TaskActionsProps) {
  const [asked, setAsked] = useState<"cancel" | "retry" | "delete" | null>(null);
  const [reason, setReason] = useState("");
  const navigate = useNavigate();
  const act = isOwn ? ownActions(task.id) : operatorActions(task.id);
  const refresh = () => invalidate(isOwn ? "/api/v1/tasks" : "/api/v1/admin/tasks");
  const cancel = async () => {
    await act.cancel(reason.trim());
    await refresh();
    showDone(words.cancelled);
  };
  const retry = async () => {
    await act.retry(task.status === "completed");
    await refresh();
    showDone(words.retrying);
  };
  const remove = async () => {
    await act.delete();
    showDone(words.removed);
    // Without the task, its page would ask for it again.
    await navigate({ to: isOwn ? "/tasks" : "/admin/tasks" } as never);
    await refresh();
  };
  const close = () => setAsked(null);
  return (
    <>
      {allows(task, "cancel") && (
        <Button
          variant="default"
          leftSection={<IconPlayerStop size={16} aria-hidden />}
          onClick={() => setAsked("cancel")}
        >
          {words.cancel}
        </Button>
      )}
      {allows(task, "retry") && task.status !== "completed" && (
        <Button
          leftSection={<IconRefresh size={16} aria-hidden />}
          onClick={() => void retry().catch(showFailure)}
        >
          {words.retry}
        </Button>
      )}
      {isOwn && (
        <Button
          component={Link}
          {...({ to: "/tasks/new", search: { from: task.id } } as object)}
          variant="default"
          leftSection={<IconRepeat size={16} aria-hidden />}
        >
          {words.runAgain}
        </Button>
      )}
      {(allows(task, "delete") || (allows(task, "retry") && task.status === "completed")) && (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button variant="default" px="xs" aria-label={commonWords.moreActions}>
              <IconChevronDown size={16} aria-hidden />
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            {allows(task, "retry") && task.status === "completed" && (
              <Menu.Item
                leftSection={<IconRefresh size={16} aria-hidden />}
                onClick={() => setAsked("retry")}
              >
                {words.retry}
              </Menu.Item>
            )}
            {allows(task, "delete") && (
              <Menu.Item
                color="red"
                leftSection={<IconTrash size={16} aria-hidden />}
                onClick={() => setAsked("delete")}
              >
                {words.remove}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
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
          description={words.reasonHint}
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

interface Actions {
  cancel(reason: string): Promise<unknown>;
  retry(force: boolean): Promise<unknown>;
  delete(): Promise<unknown>;
}

function ownActions(id: string): Actions {
  const path = { task_id: id };
  return {
    cancel: (reason) =>
      client.post("/api/v1/tasks/{task_id}/cancel", { path, body: reason ? { reason } : {} }),
    retry: (force) => client.post("/api/v1/tasks/{task_id}/retry", { path, body: { force } }),
    delete: () => client.delete("/api/v1/tasks/{task_id}", { path }),
  };
}

/** Operators change the tasks of others with the routes for many tasks. */
function operatorActions(id: string): Actions {
  const filter = { ids: [id] };
  return {
    cancel: (reason) =>
      client.post("/api/v1/admin/tasks/cancel", {
        body: { filter, expect: 1, ...(reason ? { reason } : {}) },
      }),
    retry: (force) => client.post("/api/v1/admin/tasks/retry", { body: { filter, expect: 1, force } }),
    delete: () => client.post("/api/v1/admin/tasks/delete", { body: { filter, expect: 1 } }),
  };
}

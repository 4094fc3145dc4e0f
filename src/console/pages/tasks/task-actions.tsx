import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconPlayerStop, IconRefresh, IconRepeat, IconTrash } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "../../../client/operations.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { showDone } from "../../parts/feedback.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { words as commonWords } from "../../words/common.ts";
import { taskWords as words } from "../../words/tasks.ts";
import { allows } from "../allowed-actions.ts";
import { type LifeAction, LifeQuestions } from "../life-questions.tsx";

type Task = Schemas["Task"];

interface TaskActionsProps {
  readonly task: Task;
  /** Otherwise, an operator looks at the task of somebody. */
  readonly isOwn: boolean;
}

export function TaskActions({ task, isOwn }: TaskActionsProps) {
  const [asked, setAsked] = useState<LifeAction | null>(null);
  const [isBusy, run] = useBusy();
  const moveOn = useMoveOn();
  const act = isOwn ? ownActions(task.id) : operatorActions(task.id);
  const refresh = () => invalidate(isOwn ? "/api/v1/tasks" : "/api/v1/admin/tasks");
  const cancel = async (reason: string) => {
    await act.cancel(reason);
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
    await moveOn({ to: isOwn ? "/tasks" : "/admin/tasks" } as never);
    await refresh();
  };
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
          loading={isBusy}
          leftSection={<IconRefresh size={16} aria-hidden />}
          onClick={() => run(retry)}
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

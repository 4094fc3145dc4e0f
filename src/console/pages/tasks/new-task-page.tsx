import { Button, Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { randomKey } from "../../../client/keys.ts";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate } from "../../api/queries.ts";
import { CopyText } from "../../parts/copy.tsx";
import { Failure, Loading, showDone, showFailure } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Page } from "../../parts/page.tsx";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { words as commonWords } from "../../words/common.ts";
import { taskWords as words } from "../../words/tasks.ts";
import { problemsOfAnswer } from "./form/api-problems.ts";
import { curlOf } from "./form/curl.ts";
import { bodyOf, draftOf, EMPTY_TASK, problemsOfDraft, type TaskDraft } from "./form/draft.ts";
import { TaskFields } from "./form/task-fields.tsx";
import { useTaskTypes } from "./form/task-types.ts";

const route = getRouteApi("/signed-in/tasks/new");

export function NewTaskPage() {
  const { from, type } = route.useSearch();
  return (
    <Page
      title={words.newTitle}
      description={words.newDescription}
      parent={{ to: "/tasks", name: words.title }}
    >
      {from ? (
        <PrefilledForm key={from} from={from} />
      ) : (
        <TaskForm key={type} initial={{ ...EMPTY_TASK, type: type ?? "" }} />
      )}
    </Page>
  );
}

/** Begins with the parameters of an earlier task. */
function PrefilledForm({ from }: { readonly from: string }) {
  const { data, error, refetch } = useQuery(apiQuery("/api/v1/tasks/{task_id}", { path: { task_id: from } }));
  if (error) return <Failure error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading />;
  return <TaskForm initial={draftOf(data)} />;
}

function TaskForm({ initial }: { readonly initial: TaskDraft }) {
  const moveOn = useMoveOn();
  const [draft, setDraft] = useState(initial);
  const [error, setError] = useState<unknown>(null);
  const [isSubmitted, setSubmitted] = useState(false);
  const [isRunning, setRunning] = useState(false);
  // A second click must not create a second task. A changed form is another request.
  const [key, setKey] = useState(randomKey);
  const type = useTaskTypes().data?.items.find(({ name }) => name === draft.type);
  const problems = {
    ...problemsOfAnswer(error),
    ...(isSubmitted ? problemsOfDraft(draft, type) : {}),
  };
  const change = (next: TaskDraft) => {
    setDraft(next);
    setError(null);
    setKey(randomKey());
  };
  const submit = async () => {
    setSubmitted(true);
    if (!type || Object.keys(problemsOfDraft(draft, type)).length > 0) return;
    setRunning(true);
    try {
      const body = bodyOf(draft, type) as never;
      const task = await client.post("/api/v1/tasks", { body, idempotencyKey: key });
      void invalidate("/api/v1/tasks");
      showDone(words.created_(formatCount(task.number)));
      await moveOn({ to: "/tasks/$taskId", params: { taskId: task.id } });
    } catch (failure) {
      setError(failure);
      if (Object.keys(problemsOfAnswer(failure)).length === 0) showFailure(failure);
    } finally {
      setRunning(false);
    }
  };
  return (
    <form
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      <Stack className="panel" p="md" gap="lg" maw={760}>
        <TaskFields draft={draft} onChange={change} problems={problems} />
        <Group justify="flex-end" gap="xs">
          {type && (
            <CopyText
              label={commonWords.copyAsCurl}
              text={curlOf(location.origin, "/api/v1/tasks", bodyOf(draft, type))}
            />
          )}
          <Button type="submit" loading={isRunning}>
            {words.start}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

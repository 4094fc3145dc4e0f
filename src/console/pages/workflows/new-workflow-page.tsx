import { Button, Group, Stack } from "@mantine/core";
import { useState } from "react";
import { randomKey } from "../../../client/keys.ts";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { CopyText } from "../../parts/copy.tsx";
import { messageOf, showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { Page } from "../../parts/page.tsx";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { words as commonWords } from "../../words/common.ts";
import { workflowWords as words } from "../../words/workflows.ts";
import { problemsOfAnswer } from "../tasks/form/api-problems.ts";
import { curlOf } from "../tasks/form/curl.ts";
import { NotJson, type Problems, parseJson } from "../tasks/form/problems.ts";
import { EXAMPLES } from "./examples.ts";
import { WorkflowEditor } from "./workflow-editor.tsx";

export function NewWorkflowPage() {
  const moveOn = useMoveOn();
  const [text, setText] = useState(() => JSON.stringify(EXAMPLES.steps, null, 2));
  const [problems, setProblems] = useState<Problems>({});
  const [isRunning, setRunning] = useState(false);
  const [key, setKey] = useState(randomKey);
  const body = parseJson(text);
  const isReady = body !== undefined && !(body instanceof NotJson);
  const submit = async () => {
    if (!isReady) return;
    setRunning(true);
    try {
      const workflow = await client.post("/api/v1/workflows", { body: body as never, idempotencyKey: key });
      void invalidate("/api/v1/workflows");
      showDone(words.started(formatCount(workflow.number)));
      await moveOn({ to: "/workflows/$workflowId", params: { workflowId: workflow.id } });
    } catch (error) {
      const found = problemsOfAnswer(error);
      setProblems(Object.keys(found).length > 0 ? found : { "": messageOf(error) });
    } finally {
      setRunning(false);
    }
  };
  return (
    <Page
      title={words.newTitle}
      description={words.newDescription}
      parent={{ to: "/workflows", name: words.title }}
    >
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Stack className="panel" p="md" gap="lg" maw={860}>
          <WorkflowEditor
            text={text}
            problems={problems}
            onChange={(next) => {
              setText(next);
              setProblems({});
              setKey(randomKey());
            }}
          />
          <Group justify="flex-end" gap="xs">
            {isReady && (
              <CopyText
                label={commonWords.copyAsCurl}
                text={curlOf(location.origin, "/api/v1/workflows", body)}
              />
            )}
            <Button type="submit" loading={isRunning} disabled={!isReady}>
              {words.start}
            </Button>
          </Group>
        </Stack>
      </form>
    </Page>
  );
}

import { randomKey } from "../../../client/keys.ts";
import "@mantine/core/styles/NumberInput.layer.css";
import {
  Button,
  Collapse,
  Group,
  NumberInput,
  SegmentedControl,
  Select,
  Stack,
  TextInput,
  Title,
} from "@mantine/core";
import { useState } from "react";
import { isStatus } from "../../api/client.ts";
import { Disclosure } from "../../parts/disclosure.tsx";
import { messageOf, showFailure } from "../../parts/feedback.tsx";
import { scheduleWords } from "../../words/schedules.ts";
import { problemsOfAnswer } from "../tasks/form/api-problems.ts";
import { TaskFields } from "../tasks/form/task-fields.tsx";
import { useTaskTypes } from "../tasks/form/task-types.ts";
import { WorkflowEditor } from "../workflows/workflow-editor.tsx";
import { below, bodyOf, problemsOf, type ScheduleDraft } from "./draft.ts";
import { TimingFields } from "./timing-fields.tsx";

const words = scheduleWords.form;

interface ScheduleFormProps {
  readonly initial: ScheduleDraft;
  readonly action: string;
  /** @param key the same for a repeated request */
  readonly save: (body: Record<string, unknown>, key: string) => Promise<void>;
}

export function ScheduleForm({ initial, action, save }: ScheduleFormProps) {
  const [draft, setDraft] = useState(initial);
  const [error, setError] = useState<unknown>(null);
  const [isSubmitted, setSubmitted] = useState(false);
  const [isRunning, setRunning] = useState(false);
  const [key, setKey] = useState(randomKey);
  const type = useTaskTypes().data?.items.find(({ name }) => name === draft.task.type);
  const problems = { ...problemsOfAnswer(error), ...(isSubmitted ? problemsOf(draft, type) : {}) };
  const change = (part: Partial<ScheduleDraft>) => {
    setDraft({ ...draft, ...part });
    setError(null);
    setKey(randomKey());
  };
  const submit = async () => {
    setSubmitted(true);
    if (Object.keys(problemsOf(draft, type)).length > 0) return;
    setRunning(true);
    try {
      await save(bodyOf(draft, type), key);
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
        <TextInput
          label={words.name}
          description={words.nameHint}
          required
          maxLength={100}
          value={draft.name}
          error={problems.name ?? conflictOf(error)}
          onChange={({ currentTarget }) => change({ name: currentTarget.value })}
        />
        <Title order={2}>{words.when}</Title>
        <TimingFields timing={draft} onChange={change} problems={problems} />
        <Title order={2}>{words.what}</Title>
        <SegmentedControl
          w="fit-content"
          aria-label={words.kind}
          value={draft.kind}
          data={[
            { value: "task", label: words.kinds.task },
            { value: "workflow", label: words.kinds.workflow },
          ]}
          onChange={(kind) => change({ kind: kind === "workflow" ? "workflow" : "task" })}
        />
        {draft.kind === "task" ? (
          <TaskFields
            draft={draft.task}
            onChange={(task) => change({ task })}
            problems={below(problems, "task")}
          />
        ) : (
          <WorkflowEditor
            text={draft.workflow}
            onChange={(workflow) => change({ workflow })}
            problems={below(problems, "workflow")}
          />
        )}
        <MoreFields draft={draft} change={change} problems={problems} />
        <Group justify="flex-end">
          <Button type="submit" loading={isRunning}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Another schedule has the name: the API names no field. */
function conflictOf(error: unknown): string | undefined {
  return isStatus(error, 409) ? messageOf(error) : undefined;
}

function MoreFields({
  draft,
  change,
  problems,
}: {
  readonly draft: ScheduleDraft;
  readonly change: (part: Partial<ScheduleDraft>) => void;
  readonly problems: Readonly<Record<string, string>>;
}) {
  const isNeeded = ["overlap", "missed", "jitter_seconds", "starts_at", "ends_at"].some(
    (name) => problems[name] !== undefined,
  );
  const [isOpen, setOpen] = useState(false);
  const { overlaps, missedNames } = words;
  return (
    <Stack gap="md">
      <Disclosure isOpen={isOpen || isNeeded} onToggle={() => setOpen(!isOpen)} label={words.more} />
      <Collapse expanded={isOpen || isNeeded}>
        <Stack gap="md">
          <TextInput
            label={words.description}
            maxLength={1000}
            value={draft.description}
            onChange={({ currentTarget }) => change({ description: currentTarget.value })}
          />
          <Group grow align="flex-start">
            <Select
              label={words.overlap}
              allowDeselect={false}
              data={Object.entries(overlaps).map(([value, label]) => ({ value, label }))}
              value={draft.overlap}
              onChange={(value) => change({ overlap: value as ScheduleDraft["overlap"] })}
            />
            <Select
              label={words.missed}
              allowDeselect={false}
              data={Object.entries(missedNames).map(([value, label]) => ({ value, label }))}
              value={draft.missed}
              onChange={(value) => change({ missed: value as ScheduleDraft["missed"] })}
            />
          </Group>
          <NumberInput
            label={words.jitter}
            description={words.jitterHint}
            min={0}
            max={3600}
            maw={240}
            allowDecimal={false}
            value={draft.jitterSeconds}
            error={problems.jitter_seconds}
            onChange={(value) => change({ jitterSeconds: Number(value) || 0 })}
          />
          <Group grow align="flex-start">
            <TextInput
              type="datetime-local"
              label={words.starts}
              value={draft.startsAt}
              error={problems.starts_at}
              onChange={({ currentTarget }) => change({ startsAt: currentTarget.value })}
            />
            <TextInput
              type="datetime-local"
              label={words.ends}
              value={draft.endsAt}
              error={problems.ends_at}
              onChange={({ currentTarget }) => change({ endsAt: currentTarget.value })}
            />
          </Group>
        </Stack>
      </Collapse>
    </Stack>
  );
}

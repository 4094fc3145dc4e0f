/** The type of a task, its parameters and its options. Schedules use it too. */
import "@mantine/core/styles/NumberInput.layer.css";
import "@mantine/core/styles/Pill.layer.css";
import "@mantine/core/styles/PillsInput.layer.css";
import { Collapse, Group, NumberInput, Select, Stack, TagsInput, Text, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { Disclosure } from "../../../parts/disclosure.tsx";
import { Failure, Loading } from "../../../parts/feedback.tsx";
import { JsonEditor } from "../../../parts/json.tsx";
import { taskFormWords as words } from "../../../words/task-form.ts";
import { keepParams, type TaskDraft } from "./draft.ts";
import { FieldInputs } from "./field-input.tsx";
import { type Field, fieldsOf, titleOf } from "./fields.ts";
import { FileInput } from "./file-input.tsx";
import type { Problems } from "./problems.ts";
import { useTaskTypes } from "./task-types.ts";

/** A form with more optional parameters hides those after the first ones. */
const SHOWN_FIELDS = 5;

interface TaskFieldsProps {
  readonly draft: TaskDraft;
  readonly onChange: (draft: TaskDraft) => void;
  /** Under the names of the API: `params.seconds`, `title`. */
  readonly problems: Problems;
}

export function TaskFields({ draft, onChange, problems }: TaskFieldsProps) {
  const { data, error, isPending } = useTaskTypes();
  const types = data?.items ?? [];
  const type = types.find(({ name }) => name === draft.type);
  const fields = useMemo(() => fieldsOf(type?.params), [type]);
  const change = (part: Partial<TaskDraft>) => onChange({ ...draft, ...part });
  if (isPending) return <Loading lines={3} />;
  if (error) return <Failure error={error} />;
  return (
    <Stack gap="md">
      <Select
        label={words.type}
        placeholder={words.typePlaceholder}
        description={type?.description}
        required
        searchable
        allowDeselect={false}
        data={types.map(({ name }) => ({ value: name, label: titleOf(name) }))}
        value={draft.type || null}
        error={problems.type}
        onChange={(name) => {
          const next = types.find((one) => one.name === name);
          change({ type: name ?? "", params: keepParams(draft.params, fieldsOf(next?.params)) });
        }}
      />
      {type && type.file !== "none" && (
        <FileInput
          fileId={draft.fileId}
          filePath={draft.filePath}
          isRequired={type.file === "required"}
          maxBytes={type.limits.max_file_bytes}
          error={problems.file_id ?? problems.file_path}
          onChange={change}
        />
      )}
      {type && (
        <Parameters
          key={type.name}
          fields={fields}
          values={draft.params}
          onChange={(params) => change({ params })}
          problems={problems}
        />
      )}
      {type && <Options draft={draft} change={change} problems={problems} />}
    </Stack>
  );
}

function Parameters({
  fields,
  values,
  onChange,
  problems,
}: {
  readonly fields: readonly Field[];
  readonly values: TaskDraft["params"];
  readonly onChange: (values: Record<string, unknown>) => void;
  readonly problems: Problems;
}) {
  const [isOpen, setOpen] = useState(false);
  const sorted = [...fields].sort((one, other) => Number(other.isRequired) - Number(one.isRequired));
  const required = sorted.filter(({ isRequired }) => isRequired).length;
  const shown = sorted.length > SHOWN_FIELDS + 2 ? Math.max(SHOWN_FIELDS, required) : sorted.length;
  const rest = sorted.slice(shown);
  // A problem or a value must not be out of sight.
  const isNeeded = rest.some(
    ({ name, path }) =>
      values[name] !== undefined || Object.keys(problems).some((one) => one.startsWith(path)),
  );
  if (fields.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {words.noParameters}
      </Text>
    );
  }
  return (
    <Stack gap="md">
      <FieldInputs fields={sorted.slice(0, shown)} values={values} onChange={onChange} problems={problems} />
      {rest.length > 0 && (
        <>
          {!isNeeded && (
            <Disclosure
              isOpen={isOpen}
              onToggle={() => setOpen(!isOpen)}
              label={isOpen ? words.fewerParameters : words.moreParameters(rest.length)}
            />
          )}
          {(isOpen || isNeeded) && (
            <FieldInputs fields={rest} values={values} onChange={onChange} problems={problems} />
          )}
        </>
      )}
    </Stack>
  );
}

function Options({
  draft,
  change,
  problems,
}: {
  readonly draft: TaskDraft;
  readonly change: (part: Partial<TaskDraft>) => void;
  readonly problems: Problems;
}) {
  const names = ["title", "description", "priority", "max_retries", "tags", "metadata"];
  const isNeeded = names.some((name) => problems[name] !== undefined);
  const [isOpen, setOpen] = useState(false);
  return (
    <Stack gap="md">
      <TextInput
        label={words.title}
        description={words.titleHint}
        error={problems.title}
        value={draft.title}
        maxLength={200}
        onChange={({ currentTarget }) => change({ title: currentTarget.value })}
      />
      <Disclosure isOpen={isOpen || isNeeded} onToggle={() => setOpen(!isOpen)} label={words.moreOptions} />
      <Collapse expanded={isOpen || isNeeded}>
        <Stack gap="md">
          <TextInput
            label={words.description}
            error={problems.description}
            value={draft.description}
            onChange={({ currentTarget }) => change({ description: currentTarget.value })}
          />
          <Group align="flex-start" grow>
            <NumberInput
              label={words.priority}
              description={words.priorityHint}
              error={problems.priority}
              min={0}
              max={9}
              allowDecimal={false}
              value={draft.priority ?? ""}
              onChange={(value) => change({ priority: value === "" ? null : Number(value) })}
            />
            <NumberInput
              label={words.maxRetries}
              description={words.maxRetriesHint}
              error={problems.max_retries}
              min={0}
              max={20}
              allowDecimal={false}
              value={draft.maxRetries ?? ""}
              onChange={(value) => change({ maxRetries: value === "" ? null : Number(value) })}
            />
          </Group>
          <TagsInput
            label={words.tags}
            description={words.tagsHint}
            error={problems.tags}
            maxTags={20}
            acceptValueOnBlur
            value={[...draft.tags]}
            onChange={(tags) => change({ tags })}
          />
          <JsonEditor
            label={words.metadata}
            description={words.metadataHint}
            error={problems.metadata}
            initial={draft.metadata}
            onChange={(metadata) => change({ metadata })}
          />
        </Stack>
      </Collapse>
    </Stack>
  );
}

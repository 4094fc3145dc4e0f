/** A workflow as JSON. Schedules use it too. */
import { Alert, Button, Group, List, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/List.layer.css";
import { useState } from "react";
import { JsonEditor } from "../../parts/json.tsx";
import { taskFormWords } from "../../words/task-form.ts";
import { workflowWords as words } from "../../words/workflows.ts";
import { NotJson, type Problems, parseJson } from "../tasks/form/problems.ts";
import { EXAMPLES } from "./examples.ts";

interface WorkflowEditorProps {
  readonly text: string;
  readonly onChange: (text: string) => void;
  /** By path: `steps.3.params.subject`. */
  readonly problems: Problems;
}

export function WorkflowEditor({ text, onChange, problems }: WorkflowEditorProps) {
  const [initial, setInitial] = useState(text);
  const [version, setVersion] = useState(0);
  const use = (name: keyof typeof EXAMPLES) => {
    const example = JSON.stringify(EXAMPLES[name], null, 2);
    setInitial(example);
    setVersion(version + 1);
    onChange(example);
  };
  const isWrong = text.trim() !== "" && parseJson(text) instanceof NotJson;
  const found = Object.entries(problems);
  return (
    <Stack gap="sm">
      <Group gap="xs">
        <Text size="sm" c="dimmed">
          {words.examples}
        </Text>
        {(Object.keys(EXAMPLES) as (keyof typeof EXAMPLES)[]).map((name) => (
          <Button key={name} size="xs" variant="default" onClick={() => use(name)}>
            {words.exampleNames[name]}
          </Button>
        ))}
      </Group>
      <JsonEditor
        key={version}
        label={words.json}
        description={words.jsonHint}
        isRequired
        error={isWrong ? taskFormWords.notJson : undefined}
        initial={initial}
        onChange={onChange}
        rows={14}
      />
      {found.length > 0 && (
        <Alert color="red" role="alert" title={words.problems}>
          <List size="sm">
            {found.map(([path, problem]) => (
              <List.Item key={path}>
                <b>{path}</b> {problem}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
    </Stack>
  );
}

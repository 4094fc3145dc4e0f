/** The steps as a table: the same as the graph, for everybody who prefers to read. */
import { Button, Group, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { Choice, stateOptions } from "../../parts/choice.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { workflowWords as words } from "../../words/workflows.ts";
import { titleOf } from "../tasks/form/fields.ts";
import { STEP_STATES } from "./states.ts";
import type { Step, WorkflowDetail } from "./workflow-names.ts";

/** Rows that are drawn at first, and with each request for more. */
const SHOWN = 100;

interface StepsTableProps {
  readonly workflow: WorkflowDetail;
  readonly state: Step["state"] | undefined;
  readonly onState: (state: Step["state"] | undefined) => void;
  readonly onSelect: (name: string) => void;
}

export function StepsTable({ workflow, state, onState, onSelect }: StepsTableProps) {
  const [shown, setShown] = useState(SHOWN);
  const [text, setText] = useState("");
  const before = new Map<string, string[]>();
  for (const { from, to } of workflow.edges) {
    const list = before.get(to);
    if (list) list.push(from);
    else before.set(to, [from]);
  }
  const found = workflow.steps.filter(
    (step) => (!state || step.state === state) && step.name.toLowerCase().includes(text.trim().toLowerCase()),
  );
  return (
    <>
      <Group gap="xs">
        <TextInput
          size="xs"
          w={220}
          type="search"
          aria-label={words.stepSearch}
          placeholder={words.stepSearch}
          value={text}
          onChange={({ currentTarget }) => setText(currentTarget.value)}
        />
        <Choice
          label={words.state}
          width={170}
          value={state}
          options={stateOptions(STEP_STATES)}
          onChange={onState}
        />
      </Group>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls with the keyboard */}
      <section style={{ overflow: "auto", maxHeight: 480 }} tabIndex={0} aria-label={words.steps}>
        <table className="table" data-cards>
          <thead>
            <tr>
              <th scope="col">{words.step}</th>
              <th scope="col">{words.state}</th>
              <th scope="col">{words.stepType}</th>
              <th scope="col">{words.after}</th>
              <th scope="col" className="end">
                {words.attempt}
              </th>
              <th scope="col">{words.endedAt}</th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, shown).map((step) => (
              <tr key={step.name}>
                <td data-title className="narrow">
                  <UnstyledButton fw={550} fz="sm" title={step.name} onClick={() => onSelect(step.name)}>
                    {step.name}
                  </UnstyledButton>
                </td>
                <td data-label={words.state}>
                  <StateBadge state={step.state} />
                </td>
                <td data-label={words.stepType}>{titleOf(step.type)}</td>
                <td data-label={words.after} className="narrow" title={before.get(step.name)?.join(", ")}>
                  {before.get(step.name)?.slice(0, 20).join(", ") ?? "–"}
                </td>
                <td data-label={words.attempt} className="end">
                  {formatCount(step.attempt)}
                </td>
                <td data-label={words.endedAt}>
                  <Moment at={step.ended_at} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {found.length === 0 && (
        <Text size="sm" c="dimmed">
          {words.noStep}
        </Text>
      )}
      {found.length > shown && (
        <Button variant="default" size="xs" w="fit-content" onClick={() => setShown(shown + SHOWN)}>
          {words.moreSteps(formatCount(Math.min(SHOWN, found.length - shown)))}
        </Button>
      )}
    </>
  );
}

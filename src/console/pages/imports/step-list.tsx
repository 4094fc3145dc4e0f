import { UnstyledButton } from "@mantine/core";
import { IconCheck } from "@tabler/icons-react";
import { importWords as words } from "../../words/imports.ts";
import { STEPS, type Step } from "./steps.ts";

interface StepListProps {
  readonly current: Step;
  readonly reachable: ReadonlySet<Step>;
  readonly onOpen: (step: Step) => void;
}

export function StepList({ current, reachable, onOpen }: StepListProps) {
  const at = STEPS.indexOf(current);
  return (
    <nav aria-label={words.stepsLabel}>
      <ol className="import-steps">
        {STEPS.map((step, index) => (
          <li key={step} data-state={index < at ? "done" : index === at ? "current" : "later"}>
            <UnstyledButton
              className="import-step-button"
              disabled={!reachable.has(step)}
              aria-current={index === at ? "step" : undefined}
              onClick={() => onOpen(step)}
            >
              <span className="import-step-mark" aria-hidden>
                {index < at ? <IconCheck size={14} /> : index + 1}
              </span>
              {words.steps[step]}
            </UnstyledButton>
          </li>
        ))}
      </ol>
    </nav>
  );
}

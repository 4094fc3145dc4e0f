/** Imports a file in four steps. The target and the step are in the URL, everything else is in the memory of the page. */
import { Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { apiQuery } from "../../api/queries.ts";
import { Empty, Failure, Loading } from "../../parts/feedback.tsx";
import { Page } from "../../parts/page.tsx";
import { importWords as words } from "../../words/imports.ts";
import { ColumnsStep } from "./columns-step.tsx";
import { FileStep } from "./file-step.tsx";
import "./imports.css";
import { isComplete, type Target } from "./mapping.ts";
import { lastTarget } from "./options.ts";
import { OptionsStep } from "./options-step.tsx";
import { PreviewStep } from "./preview-step.tsx";
import { StepList } from "./step-list.tsx";
import { STEPS, type Step } from "./steps.ts";
import { type Draft, useDraft } from "./use-draft.ts";
import { useUpload } from "./use-upload.ts";

const route = getRouteApi("/signed-in/import");

export function ImportPage() {
  const targets = useQuery({
    ...apiQuery("/api/v1/targets"),
    staleTime: 300_000,
    refetchOnWindowFocus: false,
  });
  return (
    <Page title={words.title} description={words.description}>
      {targets.isPending ? (
        <Loading />
      ) : targets.error ? (
        <Failure error={targets.error} onRetry={() => void targets.refetch()} />
      ) : targets.data.items.length === 0 ? (
        <Empty title={words.file.noTargets} hint={words.file.noTargetsHint} />
      ) : (
        <Wizard targets={targets.data.items} />
      )}
    </Page>
  );
}

function Wizard({ targets }: { readonly targets: readonly Target[] }) {
  const { target: name = lastTarget(), step: asked = "file" } = route.useSearch();
  const navigate = route.useNavigate();
  const target = targets.find((known) => known.name === name) ?? targets[0];
  const draft = useDraft(target);
  const upload = useUpload(draft.file);
  const isSending = upload.state.kind === "sending";
  const reachable = isSending ? new Set<Step>(["options"]) : reachableSteps(draft);
  const step = isSending ? "options" : reachable.has(asked) ? asked : "file";
  const isFirst = useRef(true);
  const content = useRef<HTMLDivElement>(null);

  useEffect(() => {
    // The heading of the page has the focus at first.
    if (isFirst.current) isFirst.current = false;
    else content.current?.querySelector("h2")?.focus();
  }, [step]);

  const go = (next: Step) => void navigate({ search: (search) => ({ ...search, step: next }) });
  const at = STEPS.indexOf(step);
  const [previous, next] = [STEPS[at - 1], STEPS[at + 1]];
  const moves = {
    onBack: previous && (() => go(previous)),
    onContinue: next && reachable.has(next) ? () => go(next) : undefined,
  };
  return (
    <Stack gap="md">
      <StepList current={step} reachable={reachable} onOpen={go} />
      <div ref={content} className="import-step">
        {step === "file" && (
          <FileStep
            draft={draft}
            targets={targets}
            onTarget={(chosen) =>
              void navigate({ search: (search) => ({ ...search, target: chosen }), replace: true })
            }
            moves={moves}
          />
        )}
        {step === "preview" && <PreviewStep draft={draft} moves={moves} />}
        {step === "columns" && <ColumnsStep draft={draft} moves={moves} />}
        {step === "options" && <OptionsStep draft={draft} upload={upload} moves={moves} onStep={go} />}
      </div>
    </Stack>
  );
}

function reachableSteps({ file, target, read, mapping }: Draft): ReadonlySet<Step> {
  const steps = new Set<Step>(["file"]);
  if (!file || !target) return steps;
  const isHopeless = read.preview === null && read.problem !== null && read.problem.kind !== "refused";
  if (isHopeless) return steps;
  steps.add("preview");
  if (!read.preview || read.problem || read.preview.names.length === 0) return steps;
  steps.add("columns");
  if (isComplete(target, mapping)) steps.add("options");
  return steps;
}

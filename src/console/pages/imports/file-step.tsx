import { Anchor, Group, Radio, SimpleGrid, Stack, Text } from "@mantine/core";
import "@mantine/core/styles/Radio.layer.css";
import "@mantine/core/styles/RadioCard.layer.css";
import "@mantine/core/styles/RadioIndicator.layer.css";
import { importWords } from "../../words/imports.ts";
import { FileField } from "./file-field.tsx";
import type { Target } from "./mapping.ts";
import { ReadProblem } from "./read-problem.tsx";
import { type Moves, StepFrame } from "./step-frame.tsx";
import type { Draft } from "./use-draft.ts";

const words = importWords.file;

interface FileStepProps {
  readonly draft: Draft;
  readonly targets: readonly Target[];
  readonly onTarget: (name: string) => void;
  readonly moves: Moves;
}

export function FileStep({ draft, targets, onTarget, moves }: FileStepProps) {
  const { file, target, read } = draft;
  return (
    <StepFrame heading={words.heading} moves={moves}>
      <FileField file={file} onFile={draft.setFile} />
      {file && read.problem && <ReadProblem problem={read.problem} />}
      <Radio.Group
        label={words.targets}
        value={target?.name ?? ""}
        onChange={onTarget}
        classNames={{ label: "import-label" }}
      >
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="sm" mt={6}>
          {targets.map((one) => (
            <TargetCard key={one.name} target={one} />
          ))}
        </SimpleGrid>
      </Radio.Group>
    </StepFrame>
  );
}

function TargetCard({ target }: { readonly target: Target }) {
  const required = target.columns.filter((column) => column.required).map(({ name, label }) => label ?? name);
  return (
    <Stack gap={0} className="import-target">
      <Radio.Card value={target.name} p="sm" withBorder={false} aria-label={target.title}>
        <Group wrap="nowrap" align="flex-start" gap="sm">
          <Radio.Indicator mt={2} />
          <div>
            <Text fw={600}>{target.title}</Text>
            <Text size="sm">{target.description}</Text>
            <Text size="xs" c="dimmed">
              {target.open ? words.anyColumns : words.required(required.join(", ") || words.anyColumns)}
            </Text>
          </div>
        </Group>
      </Radio.Card>
      <Anchor href={target.template} download size="xs" px="sm" pb="sm" pl={44} w="fit-content">
        {words.template}
      </Anchor>
    </Stack>
  );
}

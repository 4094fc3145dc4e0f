import { Alert, Button, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Failure, Loading } from "../../parts/feedback.tsx";
import { importWords } from "../../words/imports.ts";
import { ClosedMapping } from "./closed-mapping.tsx";
import { countResultColumns, missingColumns } from "./mapping.ts";
import { OpenMapping } from "./open-mapping.tsx";
import { type Moves, StepFrame } from "./step-frame.tsx";
import type { Draft } from "./use-draft.ts";

const words = importWords.columns;
const list = new Intl.ListFormat("en");

export function ColumnsStep({ draft, moves }: { readonly draft: Draft; readonly moves: Moves }) {
  const { target, mapping, read } = draft;
  const { match, isMatching, error, retry } = draft.matching;
  if (!target || !read.preview) return null;
  const missing = missingColumns(target, mapping);
  const labels = new Map(target.columns.map(({ name, label }) => [name, label ?? name]));
  const isChanged = mapping.some((column, at) => column !== match.mapping[at]);
  const Form = target.open ? OpenMapping : ClosedMapping;
  return (
    <StepFrame
      heading={words.heading}
      hint={target.open ? words.openHint : words.hint(target.title)}
      moves={moves}
    >
      {error !== null && <Failure error={error} onRetry={retry} />}
      {isMatching && <Loading />}
      {!isMatching && missing.length > 0 && (
        <Alert color="yellow" icon={<IconAlertTriangle aria-hidden />} role="status">
          {words.missing(list.format(missing.map((name) => labels.get(name) ?? name)))}
        </Alert>
      )}
      {!isMatching && mapping.every((column) => column === null) && (
        <Alert color="yellow">{words.nothingKept}</Alert>
      )}
      {countResultColumns(read.preview.names) > 0 && (
        <Text size="sm" c="dimmed">
          {words.result}
        </Text>
      )}
      {!isMatching && error === null && (
        <Form
          target={target}
          preview={read.preview}
          mapping={mapping}
          match={match}
          onChange={draft.setMapping}
        />
      )}
      {isChanged && (
        <Group>
          <Button size="compact-xs" variant="subtle" onClick={() => draft.setMapping(null)}>
            {words.reset}
          </Button>
        </Group>
      )}
    </StepFrame>
  );
}

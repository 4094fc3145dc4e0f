import { Text } from "@mantine/core";
import { importWords } from "../../words/imports.ts";
import { samplesOf } from "./mapping.ts";
import type { Preview } from "./preview/read-preview.ts";

export function Samples({ preview, position }: { readonly preview: Preview; readonly position: number }) {
  const samples = samplesOf(preview.rows, position);
  if (samples.length === 0)
    return (
      <Text size="sm" c="dimmed">
        {importWords.columns.noSamples}
      </Text>
    );
  return (
    <span className="import-samples">
      {samples.map((sample) => (
        <span key={sample} title={sample}>
          {sample}
        </span>
      ))}
    </span>
  );
}

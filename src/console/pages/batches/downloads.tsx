import { Anchor, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { formatCount } from "../../parts/format.ts";
import { Section } from "../../parts/section.tsx";
import { batchWords as words } from "../../words/batches.ts";
import type { Batch } from "./data/types.ts";

const FILES = ["failed", "success", "unprocessed", "all"] as const;
const FORMATS = [
  { name: "CSV", ending: "csv" },
  { name: words.forExcel, ending: "csv?bom=true" },
  { name: "JSON", ending: "json" },
  { name: "NDJSON", ending: "ndjson" },
] as const;

export function Downloads({ batch: { id, counts } }: { readonly batch: Batch }) {
  const rowsOf = (file: (typeof FILES)[number]) => (file === "all" ? counts.total : counts[file]);
  return (
    <Section title={words.downloads}>
      <Text size="sm" c="dimmed">
        {words.downloadsHint}
      </Text>
      {FILES.filter((file) => rowsOf(file) > 0).map((file) => (
        <div key={file} className="line">
          <IconDownload size={16} aria-hidden />
          <Text size="sm">{words.files[file]}</Text>
          <Text size="sm" c="dimmed">
            {formatCount(rowsOf(file))}
          </Text>
          <span className="line-links">
            {FORMATS.map(({ name, ending }) => (
              <Anchor
                key={ending}
                size="sm"
                href={`/api/v1/batches/${id}/results/${file}.${ending}`}
                download
                aria-label={words.download(words.files[file], name)}
              >
                {name}
              </Anchor>
            ))}
          </span>
        </div>
      ))}
    </Section>
  );
}

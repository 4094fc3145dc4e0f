/** For a target that takes any columns: each column of the file keeps its name, gets another, or is left out. */
import { Checkbox, TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import { importWords } from "../../words/imports.ts";
import type { MappingProps } from "./closed-mapping.tsx";
import { countResultColumns, nameProblems, rename } from "./mapping.ts";
import { Samples } from "./samples.tsx";

const words = importWords.columns;
const ROW_PX = 76;

export function OpenMapping({ preview, mapping, onChange }: MappingProps) {
  const scroller = useRef<HTMLUListElement>(null);
  const kept = preview.names.slice(0, preview.names.length - countResultColumns(preview.names));
  const problems = nameProblems(mapping);
  const virtual = useVirtualizer({
    count: kept.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });
  const shown = virtual.getVirtualItems();
  return (
    <ul className="panel import-columns" ref={scroller} aria-label={words.fileColumn}>
      <li aria-hidden style={{ height: shown[0]?.start ?? 0 }} />
      {shown.map(({ index: at }) => {
        const name = kept[at] ?? "";
        const current = mapping[at] ?? null;
        const problem = problems.get(at);
        return (
          <li key={at} className="import-column" aria-setsize={kept.length} aria-posinset={at + 1}>
            <Checkbox
              aria-label={words.keep(name)}
              checked={current !== null}
              onChange={({ currentTarget }) =>
                onChange(rename(mapping, at, currentTarget.checked ? name : null))
              }
            />
            <TextInput
              aria-label={words.newName(name)}
              disabled={current === null}
              value={current ?? name}
              error={
                problem === "empty"
                  ? words.emptyName
                  : problem === "repeated"
                    ? words.repeatedName
                    : undefined
              }
              onChange={({ currentTarget }) => onChange(rename(mapping, at, currentTarget.value))}
            />
            <Samples preview={preview} position={at} />
          </li>
        );
      })}
      <li aria-hidden style={{ height: virtual.getTotalSize() - (shown.at(-1)?.end ?? 0) }} />
    </ul>
  );
}

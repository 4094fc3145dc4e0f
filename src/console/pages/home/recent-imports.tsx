import { Moment } from "../../parts/moment.tsx";
import { StateBadge } from "../../parts/states.tsx";
import { batchWords } from "../../words/batches.ts";
import { homeWords as words } from "../../words/home.ts";
import type { ListedBatch } from "../batches/data/types.ts";
import { OutcomeSummary } from "../batches/outcome-bar.tsx";
import { Block, Line } from "./block.tsx";

const SHOWN = 6;

export function RecentImports({ batches }: { readonly batches: readonly ListedBatch[] }) {
  return (
    <Block
      title={words.recent}
      empty={batchWords.emptyHint}
      more={{ to: "/batches", name: words.allImports }}
    >
      {batches.slice(0, SHOWN).map((batch) => (
        <Line
          key={batch.id}
          to={`/batches/${batch.id}`}
          name={batch.filename}
          detail={
            <>
              {batchWords.into(batch.target)} · <Moment at={batch.created_at} />
            </>
          }
        >
          <StateBadge state={batch.state} />
          <OutcomeSummary batch={batch} />
        </Line>
      ))}
    </Block>
  );
}

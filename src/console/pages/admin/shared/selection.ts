import { notifications } from "@mantine/notifications";
import type { Selection } from "../../../parts/data-table.tsx";
import { formatCount } from "../../../parts/format.ts";
import { words } from "../../../words/common.ts";

/** The API takes as many ids in a filter. */
const MAX_IDS = 100;

/** Ids, separated by commas. */
type Selected = string | undefined;

/** The selected ids, from the address and into it. @param change gets the next ones from the latest ones */
export function selectionOf(
  selected: Selected,
  change: (next: (latest: Selected) => Selected) => void,
): Selection {
  return {
    ids: idsOf(selected),
    set: (next) =>
      change((latest) => {
        const ids = [...next(idsOf(latest))];
        if (ids.length > MAX_IDS) {
          const message = words.selectionLimit(formatCount(MAX_IDS));
          notifications.show({ id: "selection-limit", color: "yellow", message });
        }
        return ids.slice(0, MAX_IDS).join(",") || undefined;
      }),
  };
}

function idsOf(selected: Selected): ReadonlySet<string> {
  return new Set(selected?.split(","));
}

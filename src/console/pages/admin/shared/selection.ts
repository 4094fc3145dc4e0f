import { notifications } from "@mantine/notifications";
import type { Selection } from "../../../parts/data-table.tsx";
import { formatCount } from "../../../parts/format.ts";
import { words } from "../../../words/common.ts";

/** The API takes as many ids in a filter. */
const MAX_IDS = 100;

/** The selected ids, from the address and into it. @param selected separated by commas */
export function selectionOf(
  selected: string | undefined,
  change: (selected: string | undefined) => void,
): Selection {
  return {
    ids: new Set(selected?.split(",")),
    set: (ids) => {
      if (ids.size > MAX_IDS) {
        notifications.show({ color: "yellow", message: words.selectionLimit(formatCount(MAX_IDS)) });
      }
      change([...ids].slice(0, MAX_IDS).join(",") || undefined);
    },
  };
}

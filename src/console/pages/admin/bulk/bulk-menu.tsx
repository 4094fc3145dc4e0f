import { Button, Menu, Text } from "@mantine/core";
import { IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { formatCount } from "../../../parts/format.ts";
import { bulkWords as words } from "../../../words/admin-bulk.ts";
import type { BulkAction, BulkTarget } from "./actions.ts";
import { BulkDialog } from "./bulk-dialog.tsx";

interface BulkMenuProps extends BulkTarget {
  /** The selected items, which the actions change instead of all that match. */
  readonly selected?: ReadonlySet<string>;
}

/** Actions on the selected items, or on all that match the filter of the list. */
export function BulkMenu({ selected, ...all }: BulkMenuProps) {
  const [action, setAction] = useState<BulkAction | null>(null);
  const count = selected?.size ?? 0;
  const target = count > 0 ? { ...all, filter: { ...all.filter, ids: [...(selected ?? [])] } } : all;
  const isFiltered = Object.keys(target.filter).length > 0;
  return (
    <>
      <Menu position="bottom-end">
        <Menu.Target>
          <Button variant="default" rightSection={<IconChevronDown size={16} aria-hidden />}>
            {count > 0 ? words.selected(formatCount(count)) : words.button}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {!isFiltered && (
            <Text size="xs" c="dimmed" px="sm" py={6} maw={240}>
              {words.needsFilter}
            </Text>
          )}
          {target.actions.map((one) => (
            <Menu.Item
              key={one}
              disabled={!isFiltered}
              {...(one === "delete" ? { color: "red" } : {})}
              onClick={() => setAction(one)}
            >
              {count > 0 ? words.selectedMenu[one] : words.menu[one]}
            </Menu.Item>
          ))}
        </Menu.Dropdown>
      </Menu>
      {action && <BulkDialog {...target} action={action} onClose={() => setAction(null)} />}
    </>
  );
}

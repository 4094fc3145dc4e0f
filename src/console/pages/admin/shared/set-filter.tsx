import { Button } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { words as commonWords } from "../../../words/common.ts";

/** A filter that a link has set, such as one user. It can only be removed. */
export function SetFilter({ label, onClear }: { readonly label: string; readonly onClear: () => void }) {
  return (
    <Button
      size="xs"
      variant="light"
      rightSection={<IconX size={14} aria-hidden />}
      aria-label={commonWords.clearFilter(label)}
      onClick={onClear}
    >
      {label}
    </Button>
  );
}

import { Button } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";

interface DisclosureProps {
  readonly isOpen: boolean;
  readonly onToggle: () => void;
  readonly label: string;
}

/** Shows or hides a part of a form. */
export function Disclosure({ isOpen, onToggle, label }: DisclosureProps) {
  const Icon = isOpen ? IconChevronDown : IconChevronRight;
  return (
    <Button
      variant="transparent"
      size="compact-sm"
      px={0}
      w="fit-content"
      leftSection={<Icon size={15} aria-hidden />}
      onClick={onToggle}
      aria-expanded={isOpen}
    >
      {label}
    </Button>
  );
}

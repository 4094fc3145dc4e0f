import { Stack, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { Dialog } from "../parts/dialog.tsx";
import { shortcutWords as words } from "../words/common.ts";
import type { Destination } from "./navigation.ts";

interface PaletteProps {
  readonly destinations: readonly Destination[];
  readonly onClose: () => void;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Goes to a page by a part of its name, or to the batch, task or workflow with an id. */
export function Palette({ destinations, onClose }: PaletteProps) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const navigate = useNavigate();
  const wanted = text.trim().toLowerCase();
  const found = UUID.test(wanted)
    ? (["batches", "tasks", "workflows"] as const).map((noun) => ({
        to: `/${noun}/${wanted}`,
        name: destinations.find(({ to }) => to === `/${noun}`)?.name ?? noun,
      }))
    : destinations.filter(({ name }) => name.toLowerCase().includes(wanted));
  const open = (to: string | undefined) => {
    if (!to) return;
    onClose();
    void navigate({ to });
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowDown: () => setAt(Math.min(at + 1, found.length - 1)),
    ArrowUp: () => setAt(Math.max(0, at - 1)),
    Enter: () => open(found[at]?.to),
  };
  return (
    <Dialog onClose={onClose} title={words.palette} yOffset="12vh" centered={false}>
      <TextInput
        data-autofocus
        role="combobox"
        aria-expanded
        aria-controls="palette"
        aria-activedescendant={found[at] ? `palette-${at}` : undefined}
        aria-label={words.palette}
        placeholder={words.palettePlaceholder}
        value={text}
        onChange={({ currentTarget }) => {
          setText(currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          const run = keys[event.key];
          if (!run) return;
          event.preventDefault();
          run();
        }}
      />
      <Stack gap={0} mt="xs" id="palette" role="listbox" aria-label={words.palette}>
        {found.map(({ to, name }, index) => (
          <UnstyledButton
            key={to}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === at}
            tabIndex={-1}
            p={8}
            bg={index === at ? "var(--mantine-color-default-hover)" : ""}
            onClick={() => open(to)}
          >
            <Text size="sm">{name}</Text>
          </UnstyledButton>
        ))}
        {found.length === 0 && (
          <Text size="sm" c="dimmed" p={8}>
            {words.paletteEmpty}
          </Text>
        )}
      </Stack>
    </Dialog>
  );
}

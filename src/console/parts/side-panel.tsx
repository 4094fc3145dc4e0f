import "@mantine/core/styles/Drawer.layer.css";
import { Drawer, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { words } from "../words/common.ts";
import { useReturnFocus } from "./return-focus.ts";

interface SidePanelProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly size?: number;
  /** Whether a click beside the panel leaves it open, so that nothing typed is lost. */
  readonly isForm?: boolean;
  readonly children: ReactNode;
}

/** One item of the page, beside its list. On a phone it covers the list. */
export function SidePanel({ title, onClose, size = 520, isForm = false, children }: SidePanelProps) {
  useReturnFocus();
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size={size}
      closeOnClickOutside={!isForm}
      closeButtonProps={{ "aria-label": words.close }}
      title={
        <Text fw={650} style={{ overflowWrap: "anywhere" }}>
          {title}
        </Text>
      }
    >
      {children}
    </Drawer>
  );
}

import { Badge } from "@mantine/core";
import {
  IconArrowBackUp,
  IconCheck,
  IconCircleDashed,
  IconClock,
  IconExclamationMark,
  IconLoader2,
  IconPlayerPause,
  IconX,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { stateWords } from "../words/states.ts";

/** How a badge looks. */
export type Look = readonly [color: string, icon: typeof IconCheck];

/** Every state of batches, rows, tasks, workflows, steps, ticks, deliveries and mails. The word says it too, not only the colour. */
const LOOKS: Readonly<Record<string, Look>> = {
  receiving: ["blue", IconLoader2],
  queued: ["gray", IconClock],
  pending: ["gray", IconClock],
  waiting: ["gray", IconClock],
  scheduled: ["gray", IconClock],
  processing: ["indigo", IconLoader2],
  running: ["indigo", IconLoader2],
  active: ["indigo", IconLoader2],
  sending: ["indigo", IconLoader2],
  paused: ["yellow", IconPlayerPause],
  validated: ["teal", IconCheck],
  completed: ["green", IconCheck],
  started: ["green", IconCheck],
  success: ["green", IconCheck],
  sent: ["green", IconCheck],
  delivered: ["green", IconCheck],
  succeeded: ["green", IconCheck],
  completed_with_errors: ["orange", IconExclamationMark],
  retrying: ["orange", IconExclamationMark],
  retry: ["orange", IconExclamationMark],
  failed: ["red", IconX],
  refused: ["red", IconX],
  cancelled: ["gray", IconX],
  skipped: ["gray", IconCircleDashed],
  unprocessed: ["gray", IconCircleDashed],
  undoing: ["grape", IconArrowBackUp],
  undone: ["grape", IconArrowBackUp],
  deleting: ["gray", IconLoader2],
  stopping: ["gray", IconLoader2],
  lost: ["red", IconX],
  uncertain: ["orange", IconExclamationMark],
  suppressed: ["gray", IconCircleDashed],
};

export function lookOf(state: string): Look {
  return LOOKS[state] ?? ["gray", IconCircleDashed];
}

export function StateBadge({ state }: { readonly state: string }) {
  return <LookBadge look={lookOf(state)}>{stateWords[state] ?? state}</LookBadge>;
}

/** A badge with an icon, so that its colour is never all that says something. */
export function LookBadge({ look, children }: { readonly look: Look; readonly children: ReactNode }) {
  const [color, Icon] = look;
  return (
    <Badge
      color={color}
      variant="light"
      radius="sm"
      tt="none"
      fw={600}
      leftSection={<Icon size={12} aria-hidden />}
      style={{ flex: "none", minWidth: "max-content" }}
    >
      {children}
    </Badge>
  );
}

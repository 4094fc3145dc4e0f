import { Tooltip } from "@mantine/core";
import { useEffect, useState } from "react";
import { formatAgo, formatMoment, zoneName } from "./format.ts";
import { useZone } from "./preferences.ts";

/** The time now, renewed every so many seconds while the component is shown. */
export function useNow(seconds = 10): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), seconds * 1000);
    return () => clearInterval(timer);
  }, [seconds]);
  return now;
}

interface MomentProps {
  /** ISO 8601. null: a dash. */
  readonly at: string | null | undefined;
  /** Shows the exact time instead of "3 minutes ago". */
  readonly exact?: boolean;
}

/** A relative time. The exact time and its zone appear on hover and on touch. */
export function Moment({ at, exact = false }: MomentProps) {
  const now = useNow();
  const [zone] = useZone();
  if (!at) return <span aria-hidden>–</span>;
  const moment = new Date(at);
  const full = `${formatMoment(moment, zone)} ${zoneName(zone)}`;
  return (
    <Tooltip
      label={exact ? formatAgo(moment, now) : full}
      events={{ hover: true, focus: false, touch: true }}
    >
      <time dateTime={at}>{exact ? full : formatAgo(moment, now)}</time>
    </Tooltip>
  );
}

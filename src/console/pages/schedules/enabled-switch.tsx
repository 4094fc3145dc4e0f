import { Switch } from "@mantine/core";
import "@mantine/core/styles/Switch.layer.css";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { showDone, showFailure } from "../../parts/feedback.tsx";
import { scheduleWords as words } from "../../words/schedules.ts";

interface EnabledSwitchProps {
  readonly schedule: { readonly id: string; readonly name: string; readonly is_enabled: boolean };
  /** Otherwise, an administrator changes the schedule of somebody, or a built-in one. */
  readonly isOwn: boolean;
  readonly label?: string;
}

export function EnabledSwitch({ schedule, isOwn, label }: EnabledSwitchProps) {
  const [isRunning, setRunning] = useState(false);
  const { id, name, is_enabled } = schedule;
  const change = async (isEnabled: boolean) => {
    setRunning(true);
    const request = { path: { schedule_id: id }, body: { is_enabled: isEnabled } };
    try {
      if (isOwn) await client.patch("/api/v1/schedules/{schedule_id}", request);
      else await client.patch("/api/v1/admin/schedules/{schedule_id}", request);
      await invalidate(isOwn ? "/api/v1/schedules" : "/api/v1/admin/schedules");
      showDone(isEnabled ? words.turnedOn(name) : words.turnedOff(name));
    } catch (error) {
      showFailure(error);
    } finally {
      setRunning(false);
    }
  };
  return (
    <Switch
      checked={is_enabled}
      disabled={isRunning}
      {...(label ? { label } : { "aria-label": words.enabledLabel(name) })}
      onChange={({ currentTarget }) => void change(currentTarget.checked)}
    />
  );
}

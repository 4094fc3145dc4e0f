import { Switch } from "@mantine/core";
import "@mantine/core/styles/Switch.layer.css";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { showDone } from "../../parts/feedback.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { scheduleWords as words } from "../../words/schedules.ts";

interface EnabledSwitchProps {
  readonly schedule: { readonly id: string; readonly name: string; readonly is_enabled: boolean };
  /** Otherwise, an administrator changes the schedule of somebody, or a built-in one. */
  readonly isOwn: boolean;
  readonly label?: string;
}

export function EnabledSwitch({ schedule, isOwn, label }: EnabledSwitchProps) {
  const [isBusy, run] = useBusy();
  const { id, name, is_enabled } = schedule;
  const change = async (isEnabled: boolean) => {
    const request = { path: { schedule_id: id }, body: { is_enabled: isEnabled } };
    if (isOwn) await client.patch("/api/v1/schedules/{schedule_id}", request);
    else await client.patch("/api/v1/admin/schedules/{schedule_id}", request);
    await invalidate(isOwn ? "/api/v1/schedules" : "/api/v1/admin/schedules");
    showDone(isEnabled ? words.turnedOn(name) : words.turnedOff(name));
  };
  return (
    <Switch
      checked={is_enabled}
      disabled={isBusy}
      {...(label ? { label } : { "aria-label": words.enabledLabel(name) })}
      onChange={({ currentTarget: { checked } }) => run(() => change(checked))}
    />
  );
}

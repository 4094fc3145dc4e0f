import { Button, Stack } from "@mantine/core";
import { IconClockEdit, IconPencil, IconPlayerPlay, IconTrash } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate } from "../../api/queries.ts";
import { useCurrentUser } from "../../api/session.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { showDone } from "../../parts/feedback.tsx";
import { FormFailure, useForm } from "../../parts/form.tsx";
import { useBusy } from "../../parts/use-busy.ts";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { scheduleWords as words } from "../../words/schedules.ts";
import { problemsOfAnswer } from "../tasks/form/api-problems.ts";
import { EnabledSwitch } from "./enabled-switch.tsx";
import type { Schedule } from "./schedule-names.ts";
import { TimingFields } from "./timing-fields.tsx";

interface ScheduleActionsProps {
  readonly schedule: Schedule;
  /** Otherwise, an operator looks at the schedule of somebody, or at a built-in one. */
  readonly isOwn: boolean;
}

export function ScheduleActions({ schedule, isOwn }: ScheduleActionsProps) {
  const { role } = useCurrentUser();
  const [asked, setAsked] = useState<"delete" | "times" | null>(null);
  const [isBusy, run] = useBusy();
  const moveOn = useMoveOn();
  const path = { schedule_id: schedule.id };
  // Operators see the schedules of others, and administrators change them.
  if (!isOwn && role !== "admin") return null;
  const refresh = () => invalidate(isOwn ? "/api/v1/schedules" : "/api/v1/admin/schedules");
  const runNow = async () => {
    if (isOwn) await client.post("/api/v1/schedules/{schedule_id}/run", { path, body: {} });
    else await client.post("/api/v1/admin/schedules/{schedule_id}/run", { path });
    showDone(words.ran);
    await refresh();
  };
  const remove = async () => {
    await client.delete("/api/v1/schedules/{schedule_id}", { path });
    showDone(words.removed);
    await moveOn({ to: "/schedules" });
    await refresh();
  };
  return (
    <>
      <EnabledSwitch schedule={schedule} isOwn={isOwn} label={words.enabled} />
      {isOwn && (
        <Button
          variant="default"
          leftSection={<IconTrash size={16} aria-hidden />}
          onClick={() => setAsked("delete")}
        >
          {words.remove}
        </Button>
      )}
      {isOwn && (
        <Button
          component={Link}
          {...({ to: "/schedules/$scheduleId/edit", params: { scheduleId: schedule.id } } as object)}
          variant="default"
          leftSection={<IconPencil size={16} aria-hidden />}
        >
          {words.edit}
        </Button>
      )}
      {schedule.builtin !== null && (
        <Button
          variant="default"
          leftSection={<IconClockEdit size={16} aria-hidden />}
          onClick={() => setAsked("times")}
        >
          {words.changeTimes}
        </Button>
      )}
      <Button
        loading={isBusy}
        leftSection={<IconPlayerPlay size={16} aria-hidden />}
        onClick={() => run(runNow)}
      >
        {words.runNow}
      </Button>
      <Confirm
        isOpen={asked === "delete"}
        onClose={() => setAsked(null)}
        title={words.removeTitle}
        action={words.remove}
        isDangerous
        run={remove}
      >
        {words.removeHint}
      </Confirm>
      {asked === "times" && <ChangeTimes schedule={schedule} onClose={() => setAsked(null)} />}
    </>
  );
}

/** Administrators change when a built-in schedule runs. */
function ChangeTimes({ schedule, onClose }: { readonly schedule: Schedule; readonly onClose: () => void }) {
  const [timing, setTiming] = useState({ cron: schedule.cron, timezone: schedule.timezone });
  const form = useForm(async () => {
    await client.patch("/api/v1/admin/schedules/{schedule_id}", {
      path: { schedule_id: schedule.id },
      body: timing,
    });
    await invalidate("/api/v1/admin/schedules");
    showDone(words.saved);
  }, onClose);
  return (
    <Dialog onClose={onClose} size="lg" title={words.changeTimes}>
      <form noValidate onSubmit={form.onSubmit}>
        <Stack>
          <FormFailure error={form.error} fields={["cron", "timezone"]} />
          <TimingFields timing={timing} onChange={setTiming} problems={problemsOfAnswer(form.error)} />
          <Button type="submit" ml="auto" loading={form.isRunning}>
            {words.form.save}
          </Button>
        </Stack>
      </form>
    </Dialog>
  );
}

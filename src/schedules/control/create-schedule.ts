import { requireRoom } from "../../accounts/quotas.ts";
import type { Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { uuidV7 } from "../../platform/ids.ts";
import { schedules } from "../../schema/schedules.ts";
import type { Schedule } from "../queries.ts";
import { checkTiming, nextOf } from "../timing.ts";
import { refuseSameName } from "./refuse-same-name.ts";
import { checkFields, type ScheduleFields } from "./schedule-fields.ts";

export type NewSchedule = ScheduleFields & {
  readonly name: string;
  readonly cron: string;
};

/**
 * Call `wakeNextTicks` after the commit.
 * @throws DomainError `invalid_input` that names the field; `conflict` if another schedule has the name; `forbidden` if the
 * task requires another role; QuotaExceeded
 */
export async function createSchedule(tx: Tx, userId: number, fields: NewSchedule): Promise<Schedule> {
  const now = tx.now();
  const timing = {
    ...{ id: uuidV7(now), timezone: "UTC", isEnabled: true, startsAt: null, endsAt: null },
    ...{ jitterSeconds: 0, nextTickAt: null },
    ...fields,
  };
  if (!fields.task && !fields.workflow) throw invalidField("task", "is required, or `workflow`.");
  checkTiming(timing, now);
  await checkFields(tx, userId, fields);
  await requireRoom(tx, userId, { schedules: 1 });
  const [created] = await refuseSameName(fields.name, () =>
    tx.db
      .insert(schedules)
      .values({ ...timing, userId, ...nextOf(timing, now), createdAt: now, updatedAt: now })
      .returning(),
  );
  if (!created) throw new Error("The schedule was not created.");
  return created;
}

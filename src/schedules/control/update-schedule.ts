import { and, eq } from "drizzle-orm";
import { recordAudit } from "../../audit/record-audit.ts";
import { requireBackups } from "../../backups/create-backup.ts";
import { type Context, inTransaction, type Tx } from "../../context.ts";
import { invalidField } from "../../errors.ts";
import { jobs } from "../../jobs.ts";
import { schedules, scheduleTicks } from "../../schema/schedules.ts";
import type { Owner } from "../../tasks/transitions.ts";
import { lockSchedule, type Schedule } from "../queries.ts";
import { checkTiming, nextOf } from "../timing.ts";
import { wakeTicksOf } from "../wake.ts";
import { refuseSameName } from "./refuse-same-name.ts";
import { checkFields, type ScheduleFields } from "./schedule-fields.ts";

/** Changes of these move the next tick. */
const TIMING = ["cron", "timezone", "isEnabled", "startsAt", "endsAt", "jitterSeconds"] as const;

/** The fields of built-in schedules that can be changed. */
const OF_BUILTIN: ReadonlySet<string> = new Set(["cron", "timezone", "isEnabled", "missed"]);

/**
 * Changes the given fields. A schedule that is disabled drops its waiting ticks; work that exists continues.
 * @throws DomainError `not_found`, `invalid_input`, `conflict`, `forbidden`
 */
export async function updateSchedule(
  ctx: Context,
  ownerId: Owner,
  id: string,
  fields: ScheduleFields,
): Promise<Schedule> {
  const updated = await refuseSameName(fields.name, () =>
    inTransaction(ctx, async (tx) => {
      const schedule = await lockSchedule(tx, ownerId, id);
      if (schedule.userId === null) requireBuiltinFields(tx, schedule, fields);
      else if (ownerId === null) requireOnlyEnabled(fields);
      else await checkFields(tx, ownerId, fields);
      const changed = { ...schedule, ...fields };
      const moving = TIMING.filter((name) => fields[name] !== undefined);
      if (moving.some((name) => fields[name] !== false)) checkTiming(changed, tx.now());
      if (!changed.isEnabled) await dropWaiting(tx, id);
      await auditChange(tx, schedule, fields);
      const [updated] = await tx.db
        .update(schedules)
        .set({
          ...fields,
          ...(fields.task ? { workflow: null } : {}),
          ...(fields.workflow ? { task: null } : {}),
          ...(moving.length > 0 ? nextOf(changed, tx.now()) : {}),
          ...(schedule.builtin === null ? {} : { isEdited: true }),
          updatedAt: tx.now(),
        })
        .where(eq(schedules.id, id))
        .returning();
      return updated ?? schedule;
    }),
  );
  await wakeTicksOf(ctx, updated);
  return updated;
}

function requireBuiltinFields(tx: Tx, { builtin }: Schedule, fields: ScheduleFields): void {
  const other = Object.keys(fields).find((name) => !OF_BUILTIN.has(name));
  if (other !== undefined) throw invalidField(other, "cannot be changed: the schedule is built in.");
  if (builtin === jobs.runBackup.name && fields.isEnabled) requireBackups(tx);
}

/** Operators stop the schedules of users, and leave their contents to them. */
function requireOnlyEnabled(fields: ScheduleFields): void {
  const other = Object.keys(fields).find((name) => name !== "isEnabled");
  if (other === undefined) return;
  throw invalidField(other, "can be changed only by the owner. You can change `is_enabled`.");
}

async function dropWaiting(tx: Tx, scheduleId: string): Promise<void> {
  await tx.db
    .update(scheduleTicks)
    .set({ state: "skipped", code: "disabled", reason: "The schedule was disabled while the tick waited." })
    .where(and(eq(scheduleTicks.scheduleId, scheduleId), eq(scheduleTicks.state, "waiting")));
}

/** Changes of one's own schedules are not audited. */
async function auditChange(tx: Tx, schedule: Schedule, fields: ScheduleFields): Promise<void> {
  if (tx.actor?.id === schedule.userId) return;
  const names = Object.keys(fields) as (keyof ScheduleFields)[];
  const from = Object.fromEntries(names.map((name) => [name, schedule[name]]));
  await recordAudit(tx, {
    action: "schedule.updated",
    subject: { type: "schedule", id: schedule.id },
    ownerId: schedule.userId,
    details: { name: schedule.name, from, to: fields },
  });
}

/** Deletes a schedule with its history. The work that it has created stays. @throws DomainError `not_found` */
export function deleteSchedule(ctx: Context, userId: number, id: string): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    await lockSchedule(tx, userId, id);
    await tx.db.delete(schedules).where(eq(schedules.id, id));
  });
}

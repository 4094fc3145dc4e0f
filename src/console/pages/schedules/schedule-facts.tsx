import { ShortId } from "../../parts/copy.tsx";
import { Facts } from "../../parts/facts.tsx";
import { formatDuration } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Owner } from "../../parts/owner.tsx";
import { scheduleWords } from "../../words/schedules.ts";
import type { Schedule } from "./schedule-names.ts";

const words = scheduleWords.facts;

export function ScheduleFacts({ schedule, isOwn }: { readonly schedule: Schedule; readonly isOwn: boolean }) {
  const { id, user_id, builtin, cron, timezone, overlap, missed, jitter_seconds, starts_at, ends_at } =
    schedule;
  return (
    <Facts
      facts={[
        [words.id, <ShortId key="id" id={id} />],
        [words.owner, !isOwn && user_id !== null && <Owner id={user_id} />],
        [words.builtin, builtin],
        [words.cron, <code key="cron">{cron}</code>],
        [words.zone, timezone],
        [words.overlap, scheduleWords.form.overlaps[overlap]],
        [words.missed, scheduleWords.form.missedNames[missed]],
        [words.jitter, jitter_seconds > 0 && formatDuration(jitter_seconds)],
        [words.starts, starts_at && <Moment at={starts_at} />],
        [words.ends, ends_at && <Moment at={ends_at} />],
        [words.created, <Moment key="created" at={schedule.created_at} />],
        [words.updated, <Moment key="updated" at={schedule.updated_at} />],
      ]}
    />
  );
}

import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { client } from "../../api/client.ts";
import { apiQuery, invalidate } from "../../api/queries.ts";
import { Failure, Loading, showDone } from "../../parts/feedback.tsx";
import { Page } from "../../parts/page.tsx";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { scheduleWords as words } from "../../words/schedules.ts";
import { draftOf, newDraft } from "./draft.ts";
import { ScheduleForm } from "./schedule-form.tsx";
import { ownZone } from "./timing-fields.tsx";

const editRoute = getRouteApi("/signed-in/schedules/$scheduleId/edit");
const parent = { to: "/schedules", name: words.title };

export function NewSchedulePage() {
  const moveOn = useMoveOn();
  return (
    <Page title={words.newTitle} description={words.description} parent={parent}>
      <ScheduleForm
        initial={newDraft(ownZone())}
        action={words.form.create}
        save={async (body, idempotencyKey) => {
          const { id } = await client.post("/api/v1/schedules", { body: body as never, idempotencyKey });
          void invalidate("/api/v1/schedules");
          showDone(words.created);
          await moveOn({ to: "/schedules/$scheduleId", params: { scheduleId: id } });
        }}
      />
    </Page>
  );
}

export function EditSchedulePage() {
  const { scheduleId } = editRoute.useParams();
  const moveOn = useMoveOn();
  const path = { schedule_id: scheduleId };
  const { data, error, refetch } = useQuery(apiQuery("/api/v1/schedules/{schedule_id}", { path }));
  if (!data) return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading />;
  return (
    <Page title={words.editTitle(data.name)} parent={parent}>
      <ScheduleForm
        initial={draftOf(data)}
        action={words.form.save}
        save={async (body) => {
          await client.patch("/api/v1/schedules/{schedule_id}", { path, body: body as never });
          await invalidate("/api/v1/schedules");
          showDone(words.saved);
          await moveOn({ to: "/schedules/$scheduleId", params: { scheduleId } });
        }}
      />
    </Page>
  );
}

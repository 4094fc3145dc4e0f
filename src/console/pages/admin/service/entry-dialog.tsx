import { Stack } from "@mantine/core";
import { Copy } from "../../../parts/copy.tsx";
import { Dialog } from "../../../parts/dialog.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Loading, NotFound } from "../../../parts/feedback.tsx";
import { JsonBlock } from "../../../parts/json.tsx";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { Owner } from "../../../parts/owner.tsx";
import { auditWords as words } from "../../../words/admin-service.ts";
import type { Entry } from "./audit-filter.ts";

interface EntryDialogProps {
  /** Absent: it is not on the pages of the list that are loaded. */
  readonly entry: Entry | undefined;
  readonly isLoading: boolean;
  readonly onClose: () => void;
}

export function EntryDialog({ entry, isLoading, onClose }: EntryDialogProps) {
  return (
    <Dialog onClose={onClose} size="lg" title={entry ? entry.action : words.title}>
      {!entry && (isLoading ? <Loading /> : <NotFound />)}
      {entry && (
        <Stack gap="md">
          <Facts
            facts={[
              [words.at, <Moment key="at" at={entry.at} exact />],
              [words.actor, entry.actor ?? words.byRowmill],
              [words.role, entry.actor_role],
              [
                words.object,
                <LinkTo
                  key="object"
                  to="/admin/audit"
                  search={{ subject: entry.subject_type, id: entry.subject_id }}
                >
                  {entry.subject_type} {entry.subject_id}
                </LinkTo>,
              ],
              [words.owner, entry.owner_id !== null && <Owner key="owner" id={entry.owner_id} />],
              [words.address, entry.address],
              [
                words.request,
                entry.request_id && (
                  <span key="request">
                    {entry.request_id} <Copy value={entry.request_id} />
                  </span>
                ),
              ],
            ]}
          />
          <JsonBlock value={entry.details} label={words.details} />
        </Stack>
      )}
    </Dialog>
  );
}

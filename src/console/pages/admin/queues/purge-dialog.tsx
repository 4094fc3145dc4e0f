import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { Failure, Loading, showDone } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { queuePageWords as words } from "../../../words/admin-overview.ts";
import { queueWords } from "../../../words/queues.ts";

interface PurgeDialogProps {
  readonly queue: Schemas["Queue"]["name"];
  readonly onClose: () => void;
}

/** Counts first. The number has to be typed, and the API refuses if it has changed. */
export function PurgeDialog({ queue, onClose }: PurgeDialogProps) {
  const send = (expect?: number) =>
    client.post("/api/v1/admin/queues/{queue}/purge", {
      path: { queue },
      body: expect === undefined ? {} : { expect },
    });
  const { data, error } = useQuery({
    queryKey: ["purge", queue],
    queryFn: () => send(),
    gcTime: 0,
    staleTime: "static",
  });
  const count = data?.matched ?? 0;
  const purge = async () => {
    if (count === 0) return;
    const { changed } = await send(count);
    await invalidate("/api/v1/admin");
    showDone(words.purged(formatCount(changed)));
  };
  return (
    <Confirm
      isOpen
      onClose={onClose}
      title={words.purgeTitle(queueWords[queue])}
      action={words.purgeNow}
      isDangerous
      typed={{ value: String(count), label: words.purgeTyped(String(count)) }}
      run={purge}
    >
      {error ? <Failure error={error} /> : null}
      {!data && !error && <Loading lines={2} />}
      {data && (count > 0 ? words.purgeHint(formatCount(count)) : words.nothingToPurge(queueWords[queue]))}
    </Confirm>
  );
}

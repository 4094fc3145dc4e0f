import { Button, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { showDone } from "../../../parts/feedback.tsx";
import { useMoveOn } from "../../../parts/use-move-on.ts";
import { bulkWords } from "../../../words/admin-bulk.ts";
import { adminWorkWords as words } from "../../../words/admin-work.ts";
import { batchWords } from "../../../words/batches.ts";
import { allows } from "../../allowed-actions.ts";
import { takesReason } from "../bulk/actions.ts";

const ACTIONS = ["resume", "retry", "pause", "cancel", "delete"] as const;
type Action = (typeof ACTIONS)[number];

/** The API changes the imports of others only by a filter, here for one of them. */
export function BatchActions({ batch }: { readonly batch: Schemas["AdminBatch"] }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const [reason, setReason] = useState("");
  const moveOn = useMoveOn();
  const run = async () => {
    if (!asked) return;
    const hasReason = takesReason("batches", asked) && reason.trim() !== "";
    const body = {
      filter: { batch_id: batch.id },
      expect: 1,
      ...(hasReason ? { reason: reason.trim() } : {}),
    };
    await client.post(`/api/v1/admin/batches/${asked}`, { body } as never);
    showDone(words.sent[asked]);
    // Without the import, its page would ask for it again.
    if (asked === "delete") await moveOn({ to: "/admin/batches" });
    await invalidate("/api/v1/admin/batches");
  };
  return (
    <>
      {ACTIONS.filter((action) => allows(batch, action)).map((action) => (
        <Button
          key={action}
          variant="default"
          {...(action === "delete" ? { c: "red" } : {})}
          onClick={() => setAsked(action)}
        >
          {batchWords.actions[action]}
        </Button>
      ))}
      {asked && (
        <Confirm
          isOpen
          onClose={() => setAsked(null)}
          title={words.ask[asked]}
          action={batchWords.actions[asked]}
          isDangerous={asked === "delete" || asked === "cancel"}
          run={run}
        >
          <Stack gap="sm">
            {words.keep[asked]}
            {takesReason("batches", asked) && (
              <TextInput
                label={bulkWords.reason}
                description={bulkWords.reasonHint}
                maxLength={1000}
                value={reason}
                onChange={({ currentTarget }) => setReason(currentTarget.value)}
              />
            )}
          </Stack>
        </Confirm>
      )}
    </>
  );
}

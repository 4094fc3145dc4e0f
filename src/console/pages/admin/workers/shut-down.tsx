import { Button } from "@mantine/core";
import { useState } from "react";
import type { ItemOf, OperationOf } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { showDone } from "../../../parts/feedback.tsx";
import { workerWords as words } from "../../../words/admin-overview.ts";

type Worker = ItemOf<OperationOf<"get", "/api/v1/admin/workers">>;

export function ShutDown({ worker }: { readonly worker: Worker }) {
  const [isAsked, setAsked] = useState(false);
  const { id, host, state } = worker;
  if (state !== "running") return null;
  const shutDown = async () => {
    await client.post("/api/v1/admin/workers/{id}/shutdown", { path: { id } });
    await invalidate("/api/v1/admin/workers");
    showDone(words.isStopping);
  };
  return (
    <>
      <Button size="compact-sm" variant="default" onClick={() => setAsked(true)}>
        {words.shutDown}
      </Button>
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={words.shutDownTitle(host)}
        action={words.shutDownNow}
        isDangerous
        run={shutDown}
      >
        {words.shutDownHint}
      </Confirm>
    </>
  );
}

import { ActionIcon, Button, Menu } from "@mantine/core";
import {
  IconArrowBackUp,
  IconCheck,
  IconDots,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerTrackNext,
  IconTrash,
  IconUpload,
  IconX,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { client } from "../../api/client.ts";
import { invalidate, queryClient } from "../../api/queries.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { showDone } from "../../parts/feedback.tsx";
import { formatCount } from "../../parts/format.ts";
import { useBusy } from "../../parts/use-busy.ts";
import { useMoveOn } from "../../parts/use-move-on.ts";
import { batchWords as words } from "../../words/batches.ts";
import { words as common } from "../../words/common.ts";
import { allows } from "../allowed-actions.ts";
import { retryRows, sendCommand } from "./data/commands.ts";
import type { Batch } from "./data/types.ts";

type Asked = keyof typeof words.confirm;

/** The commands that the state of the import allows. */
export function BatchActions({ batch }: { readonly batch: Batch }) {
  const [asked, ask] = useState<Asked | null>(null);
  const [isBusy, run] = useBusy();
  const { id, target, counts } = batch;
  const can = (action: Batch["allowed_actions"][number]) => allows(batch, action);
  const retryRest = () =>
    run(async () => {
      await retryRows(id, { unprocessed: true });
      showDone(words.done.retry);
    });
  return (
    <>
      {can("pause") && (
        <Button
          variant="default"
          loading={isBusy}
          leftSection={<IconPlayerPause size={16} aria-hidden />}
          onClick={() => run(() => sendCommand(id, "pause"))}
        >
          {words.actions.pause}
        </Button>
      )}
      {can("resume") && (
        <Button
          loading={isBusy}
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          onClick={() => run(() => sendCommand(id, "resume"))}
        >
          {words.actions.resume}
        </Button>
      )}
      {can("commit") && (
        <Button leftSection={<IconCheck size={16} aria-hidden />} onClick={() => ask("commit")}>
          {words.actions.commit}
        </Button>
      )}
      {can("cancel") && (
        <Button variant="default" leftSection={<IconX size={16} aria-hidden />} onClick={() => ask("cancel")}>
          {words.actions.cancel}
        </Button>
      )}
      {can("undo") && (
        <Button
          variant="default"
          leftSection={<IconArrowBackUp size={16} aria-hidden />}
          onClick={() => ask("undo")}
        >
          {words.actions.undo}
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label={common.moreActions}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {can("retry") && counts.unprocessed > 0 && (
            <Menu.Item leftSection={<IconPlayerTrackNext size={16} aria-hidden />} onClick={retryRest}>
              {words.actions.retryRest}
            </Menu.Item>
          )}
          <Menu.Item
            component={Link}
            to="/import"
            search={{ target } as never}
            leftSection={<IconUpload size={16} aria-hidden />}
          >
            {words.actions.again}
          </Menu.Item>
          {can("delete") && (
            <Menu.Item
              color="red"
              leftSection={<IconTrash size={16} aria-hidden />}
              onClick={() => ask("delete")}
            >
              {words.actions.delete}
            </Menu.Item>
          )}
        </Menu.Dropdown>
      </Menu>
      <Questions batch={batch} asked={asked} onClose={() => ask(null)} />
    </>
  );
}

interface QuestionsProps {
  readonly batch: Batch;
  readonly asked: Asked | null;
  readonly onClose: () => void;
}

function Questions({ batch, asked, onClose }: QuestionsProps) {
  const moveOn = useMoveOn();
  const { id, records, counts } = batch;
  const { cancel, commit, undo } = words.confirm;
  const remove = async () => {
    await client.delete("/api/v1/batches/{batch_id}", { path: { batch_id: id } });
    showDone(words.done.delete);
    await moveOn({ to: "/batches" });
    queryClient.removeQueries({ queryKey: ["/api/v1/batches/{batch_id}", { path: { batch_id: id } }] });
    await invalidate("/api/v1/batches");
  };
  return (
    <>
      <Confirm
        isOpen={asked === "cancel"}
        onClose={onClose}
        title={cancel.title}
        action={words.actions.cancel}
        isDangerous
        run={() => sendCommand(id, "cancel")}
      >
        {cancel.text}
      </Confirm>
      <Confirm
        isOpen={asked === "commit"}
        onClose={onClose}
        title={commit.title}
        action={words.actions.commit}
        run={() => sendCommand(id, "commit")}
      >
        {commit.text(formatCount(counts.total - counts.failed), formatCount(counts.failed))}
      </Confirm>
      <Confirm
        isOpen={asked === "undo"}
        onClose={onClose}
        title={undo.title}
        action={words.actions.undo}
        isDangerous
        run={() => sendCommand(id, "undo")}
      >
        {undo.text(formatCount(records.created), formatCount(records.updated))}
      </Confirm>
      <Confirm
        isOpen={asked === "delete"}
        onClose={onClose}
        title={words.confirm.delete.title}
        action={words.actions.delete}
        isDangerous
        run={remove}
      >
        {words.confirm.delete.text}
      </Confirm>
    </>
  );
}

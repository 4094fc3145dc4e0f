import { Button, Code, Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { client } from "../../../api/client.ts";
import { apiQuery, invalidate } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Failure, Loading, showDone } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { Moment } from "../../../parts/moment.tsx";
import { StateBadge } from "../../../parts/states.tsx";
import { useBusy } from "../../../parts/use-busy.ts";
import { outboxWords as words } from "../../../words/admin-service.ts";
import { titleOf } from "../../tasks/form/fields.ts";

/** States in which the API sends a mail again. */
const RETRYABLE = ["failed", "uncertain", "suppressed", "cancelled"];

export function MailDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const path = { mail_id: id };
  const { data: mail, error } = useQuery(apiQuery("/api/v1/outbox/{mail_id}", { path }));
  const [isBusy, run] = useBusy();
  const retry = async () => {
    await client.post("/api/v1/outbox/{mail_id}/retry", { path });
    await invalidate("/api/v1/outbox");
    showDone(words.retried);
  };
  return (
    <Dialog onClose={onClose} size="lg" title={mail?.subject || words.mail}>
      {error ? <Failure error={error} /> : null}
      {!mail && !error && <Loading />}
      {mail && (
        <Stack gap="md">
          <Facts
            facts={[
              [words.state, <StateBadge key="state" state={mail.state} />],
              [words.kind, titleOf(mail.kind)],
              [words.address, mail.address],
              [words.attempts, formatCount(mail.attempts)],
              [words.reply, mail.reply],
              [words.created, <Moment key="created" at={mail.created_at} exact />],
              [words.due, mail.state === "queued" && <Moment key="due" at={mail.due_at} exact />],
              [words.sent, mail.sent_at && <Moment key="sent" at={mail.sent_at} exact />],
            ]}
          />
          {mail.text && (
            <Code
              block
              mah={320}
              style={{ overflow: "auto", whiteSpace: "pre-wrap" }}
              tabIndex={0}
              role="region"
              aria-label={words.text}
            >
              {mail.text}
            </Code>
          )}
          {RETRYABLE.includes(mail.state) && (
            <Group justify="space-between">
              <Text size="xs" c="dimmed" maw={380}>
                {words.retryHint}
              </Text>
              <Button loading={isBusy} onClick={() => run(retry)}>
                {words.retry}
              </Button>
            </Group>
          )}
        </Stack>
      )}
    </Dialog>
  );
}

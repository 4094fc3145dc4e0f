import { Group, Stack } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { apiQuery } from "../../../api/queries.ts";
import { Dialog } from "../../../parts/dialog.tsx";
import { Facts } from "../../../parts/facts.tsx";
import { Failure, Loading } from "../../../parts/feedback.tsx";
import { LinkTo } from "../../../parts/link.tsx";
import { Moment } from "../../../parts/moment.tsx";
import { userWords as words } from "../../../words/admin-service.ts";
import { UserActions } from "./user-actions.tsx";

interface UserDialogProps {
  readonly id: number;
  /** Operators see an account. Admins change it. */
  readonly isForAdmin: boolean;
  readonly onClose: () => void;
}

export function UserDialog({ id, isForAdmin, onClose }: UserDialogProps) {
  const { data: account, error } = useQuery(apiQuery("/api/v1/accounts/{id}", { path: { id } }));
  return (
    <Dialog onClose={onClose} size="lg" title={account?.username ?? words.user}>
      {error ? <Failure error={error} /> : null}
      {!account && !error && <Loading />}
      {account && (
        <Stack gap="md">
          <Facts
            facts={[
              [words.id, String(account.id)],
              [words.name, `${account.first_name} ${account.last_name}`.trim()],
              [
                words.email,
                account.email &&
                  `${account.email} (${account.email_confirmed ? words.confirmed : words.unconfirmed})`,
              ],
              [words.role, words.roles[account.role]],
              [words.created, <Moment key="created" at={account.created_at} exact />],
              [
                words.disabledSince,
                account.disabled_at && <Moment key="disabled" at={account.disabled_at} exact />,
              ],
              [
                words.theirWork,
                <Group key="work" gap="md">
                  <LinkTo to="/admin/tasks" search={{ user: id }} size="sm">
                    {words.tasks}
                  </LinkTo>
                  <LinkTo to="/admin/batches" search={{ user: id }} size="sm">
                    {words.imports}
                  </LinkTo>
                  {isForAdmin && (
                    <LinkTo to="/admin/audit" search={{ owner: id }} size="sm">
                      {words.entries}
                    </LinkTo>
                  )}
                </Group>,
              ],
            ]}
          />
          {isForAdmin && <UserActions account={account} />}
        </Stack>
      )}
    </Dialog>
  );
}

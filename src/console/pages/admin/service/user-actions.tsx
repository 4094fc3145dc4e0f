import { Alert, Button, Group, Select, Stack } from "@mantine/core";
import { useState } from "react";
import type { AnswerOf, OperationOf } from "../../../../client/operations.ts";
import { client } from "../../../api/client.ts";
import { invalidate } from "../../../api/queries.ts";
import { Confirm } from "../../../parts/confirm.tsx";
import { messageOf, showDone } from "../../../parts/feedback.tsx";
import { formatCount } from "../../../parts/format.ts";
import { useBusy } from "../../../parts/use-busy.ts";
import { userWords as words } from "../../../words/admin-service.ts";
import { ROLES } from "../shared/search-shapes.ts";

type Account = AnswerOf<OperationOf<"get", "/api/v1/accounts/{id}">>;

/** The changes that an admin can make to an account. A refusal of the API, such as for the last admin, is shown beside the buttons. */
export function UserActions({ account }: { readonly account: Account }) {
  const [asked, setAsked] = useState<"disable" | "revoke" | null>(null);
  const [refusal, setRefusal] = useState("");
  const [isBusy, run] = useBusy();
  const { id, username, role, email, disabled_at } = account;
  const path = { id };
  const act = (work: () => Promise<string>) => async () => {
    setRefusal("");
    try {
      showDone(await work());
    } catch (error) {
      setRefusal(messageOf(error));
    }
    await invalidate("/api/v1/accounts");
  };
  const setRole = (next: (typeof ROLES)[number]) =>
    act(async () => {
      await client.patch("/api/v1/accounts/{id}", { path, body: { role: next } });
      return words.roleChanged(username, words.roles[next]);
    })();
  const disable = act(async () => {
    await client.post("/api/v1/accounts/{id}/disable", { path });
    return words.isDisabled(username);
  });
  const enable = act(async () => {
    await client.post("/api/v1/accounts/{id}/enable", { path });
    return words.isEnabled(username);
  });
  const reset = act(async () => {
    await client.post("/api/v1/accounts/{id}/password-reset", { path });
    return words.resetSent(email);
  });
  const logOut = act(async () => {
    const { ended } = await client.delete("/api/v1/accounts/{id}/sessions", { path });
    return words.loggedOut(formatCount(ended));
  });
  const revoke = act(async () => {
    const { revoked } = await client.delete("/api/v1/accounts/{id}/tokens", { path });
    return words.revoked(formatCount(revoked));
  });
  const close = () => setAsked(null);
  return (
    <Stack gap="sm">
      {refusal && (
        <Alert color="red" role="alert">
          {refusal}
        </Alert>
      )}
      <Select
        label={words.changeRole}
        description={words.roleHints[role]}
        data={ROLES.map((value) => ({ value, label: words.roles[value] }))}
        value={role}
        allowDeselect={false}
        onChange={(value) => {
          const next = ROLES.find((known) => known === value);
          if (next && next !== role) run(() => setRole(next));
        }}
      />
      <Group gap="xs">
        {email && !disabled_at && (
          <Button size="xs" variant="default" loading={isBusy} onClick={() => run(reset)}>
            {words.reset}
          </Button>
        )}
        <Button size="xs" variant="default" loading={isBusy} onClick={() => run(logOut)}>
          {words.logOut}
        </Button>
        <Button size="xs" variant="default" onClick={() => setAsked("revoke")}>
          {words.revoke}
        </Button>
        {disabled_at ? (
          <Button size="xs" loading={isBusy} onClick={() => run(enable)}>
            {words.enable}
          </Button>
        ) : (
          <Button size="xs" color="red" variant="light" onClick={() => setAsked("disable")}>
            {words.disable}
          </Button>
        )}
      </Group>
      <Confirm
        isOpen={asked === "disable"}
        onClose={close}
        title={words.disableTitle(username)}
        action={words.disableNow}
        isDangerous
        run={disable}
      >
        {words.disableHint}
      </Confirm>
      <Confirm
        isOpen={asked === "revoke"}
        onClose={close}
        title={words.revokeTitle(username)}
        action={words.revokeNow}
        isDangerous
        run={revoke}
      >
        {words.revokeHint}
      </Confirm>
    </Stack>
  );
}

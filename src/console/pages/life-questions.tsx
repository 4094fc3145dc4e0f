/** The questions before a task or a workflow is cancelled, retried or deleted. */
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { Confirm } from "../parts/confirm.tsx";

export type LifeAction = "cancel" | "retry" | "delete";

interface LifeWords {
  readonly cancel: string;
  readonly cancelTitle: string;
  readonly cancelHint: string;
  readonly reason: string;
  readonly reasonHint?: string;
  readonly retry: string;
  readonly retryTitle: string;
  readonly retryHint: string;
  readonly remove: string;
  readonly removeTitle: string;
  readonly removeHint: string;
}

interface LifeQuestionsProps {
  readonly asked: LifeAction | null;
  readonly onClose: () => void;
  readonly words: LifeWords;
  /** @param reason empty if the user gives none */
  readonly cancel: (reason: string) => Promise<void>;
  readonly retry: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

export function LifeQuestions({ asked, onClose, words, cancel, retry, remove }: LifeQuestionsProps) {
  const [reason, setReason] = useState("");
  return (
    <>
      <Confirm
        isOpen={asked === "cancel"}
        onClose={onClose}
        title={words.cancelTitle}
        action={words.cancel}
        isDangerous
        run={() => cancel(reason.trim())}
      >
        {words.cancelHint}
        <TextInput
          mt="sm"
          label={words.reason}
          description={words.reasonHint}
          maxLength={1000}
          value={reason}
          onChange={({ currentTarget }) => setReason(currentTarget.value)}
        />
      </Confirm>
      <Confirm
        isOpen={asked === "retry"}
        onClose={onClose}
        title={words.retryTitle}
        action={words.retry}
        run={retry}
      >
        {words.retryHint}
      </Confirm>
      <Confirm
        isOpen={asked === "delete"}
        onClose={onClose}
        title={words.removeTitle}
        action={words.remove}
        isDangerous
        run={remove}
      >
        {words.removeHint}
      </Confirm>
    </>
  );
}

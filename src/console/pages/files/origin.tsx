import { Anchor } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "../../../client/operations.ts";
import { fileWords as words } from "../../words/files.ts";

export function Origin({ file: { task_id } }: { readonly file: Schemas["StoredFile"] }) {
  if (task_id === null) return words.uploadedByYou;
  return (
    <Anchor component={Link} to={`/tasks/${task_id}`} size="sm" title={task_id}>
      {words.createdByTask} {task_id.slice(0, 8)}
    </Anchor>
  );
}

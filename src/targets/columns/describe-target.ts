import type { Definition } from "../definition/definition.ts";
import { columnsOf } from "./columns-of.ts";

/** Identifies a version of a defined target. */
export interface TargetVersion {
  readonly name: string;
  readonly version: number;
}

/** The parts of a target that follow from its definition alone, whatever its destination is. */
export function describeTarget(definition: Definition, { name, version }: TargetVersion) {
  const { title, description, mode, key, permissions, unknown_columns } = definition;
  const { columns, aliases } = columnsOf(definition);
  const isForAdmins = permissions?.roles?.every((role) => role === "admin") && !permissions.users?.length;
  return {
    name,
    description: description ?? title ?? name,
    defined: { version, definition },
    columns,
    aliases,
    isStrict: true,
    isClosed: unknown_columns === "refuse",
    isKeyShared: true,
    modes: mode?.allowed ?? (["insert"] as const),
    defaultMode: mode?.default ?? ("insert" as const),
    ...(key ? { key: key.columns } : {}),
    ...(permissions?.max_rows === undefined ? {} : { maxRows: permissions.max_rows }),
    ...(isForAdmins ? { role: "admin" as const } : {}),
  };
}

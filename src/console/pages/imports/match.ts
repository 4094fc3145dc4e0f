/** Finds the columns of a target in the header of a file. */
import { useMemo } from "react";
import { countResultColumns, type Match, NO_MATCH, type Origin, type Target } from "./mapping.ts";

export function useMatch(target: Target | undefined, names: readonly string[] | undefined): Match {
  return useMemo(() => (target && names ? matchByName(target, names) : NO_MATCH), [target, names]);
}

function matchByName(target: Target, names: readonly string[]): Match {
  const kept = names.slice(0, names.length - countResultColumns(names));
  if (target.open)
    return {
      mapping: names.map((name, at) => (at < kept.length ? name : null)),
      origins: names.map(() => null),
    };
  const bare = (name: string) => name.toLowerCase().replace(/[\s_*:-]/g, "");
  const found = kept.map(bare);
  const mapping: (string | null)[] = names.map(() => null);
  const origins: (Origin | null)[] = names.map(() => null);
  for (const { name, aliases } of target.columns) {
    for (const [index, accepted] of [name, ...aliases].map(bare).entries()) {
      const at = found.indexOf(accepted);
      if (at === -1 || mapping[at] !== null) continue;
      mapping[at] = name;
      origins[at] = index === 0 ? "name" : "alias";
      break;
    }
  }
  return { mapping, origins };
}

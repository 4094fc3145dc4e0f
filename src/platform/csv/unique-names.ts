/** Empty names become `column_N`; repeated names get the suffix `_2`, `_3` and so on. */
export function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return names.map((name, index) => {
    const base = name || `column_${index + 1}`;
    let unique = base;
    let count = counts.get(base) ?? 1;
    while (taken.has(unique)) unique = `${base}_${++count}`;
    counts.set(base, count);
    taken.add(unique);
    return unique;
  });
}

/**
 * Orders tasks so that their users take turns. The tasks of one user keep their order.
 * @param lastUserId the user who has had the last turn
 */
export function inTurns<T extends { readonly userId: number }>(tasks: readonly T[], lastUserId: number): T[] {
  const rounds = new Map<number, number>();
  const placed = tasks.map((task) => {
    const round = rounds.get(task.userId) ?? 0;
    rounds.set(task.userId, round + 1);
    return { task, round, isEarlier: task.userId > lastUserId ? 0 : 1 };
  });
  return placed
    .toSorted(
      (one, other) =>
        one.round - other.round || one.isEarlier - other.isEarlier || one.task.userId - other.task.userId,
    )
    .map(({ task }) => task);
}

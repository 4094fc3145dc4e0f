/** Whether the API would allow an action now. */
export function allows<A extends string>(
  item: { readonly allowed_actions: readonly A[] },
  action: A,
): boolean {
  return item.allowed_actions.includes(action);
}

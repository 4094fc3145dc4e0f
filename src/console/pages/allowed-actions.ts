/** Whether the API would allow an action now. */
interface Item {
  readonly allowed_actions?: readonly string[];
  readonly is_cancellable: boolean;
  readonly is_retryable: boolean;
}

export function allows(item: Item, action: "cancel" | "retry" | "delete"): boolean {
  if (item.allowed_actions) return item.allowed_actions.includes(action);
  if (action === "cancel") return item.is_cancellable;
  return action === "retry" ? item.is_retryable : !item.is_cancellable;
}

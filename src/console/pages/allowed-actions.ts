/** Whether the API would allow an action now. */
interface Item {
  readonly allowed_actions?: readonly string[];
  readonly is_cancellable?: boolean;
  readonly is_retryable?: boolean;
}

export function allows(item: Item, action: string): boolean {
  return item.allowed_actions?.includes(action) ?? false;
}

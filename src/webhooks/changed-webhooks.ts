/** Tells the slots of a webhook that it has changed, so that they send nothing more of what they claimed before. */
import { type Context, publishChange, type Tx } from "../context.ts";

/** The payload is the id of the webhook. */
const WEBHOOK_CHANNEL = "rowmill_webhook";

/** Publishes, at the commit, that a webhook has another URL or other headers or secrets, or is disabled or deleted. */
export function webhookChanged(tx: Tx, webhookId: string): Promise<void> {
  return publishChange(tx, WEBHOOK_CHANNEL, [webhookId]);
}

/** The webhooks that have changed since `clear`. */
export class ChangedWebhooks implements Disposable {
  /** null: changes may have been missed. */
  readonly #ids = new Set<string | null>();
  readonly #stopListening: () => void;

  constructor({ listener }: Context) {
    this.#stopListening = listener.listen(WEBHOOK_CHANNEL, (id) => this.#ids.add(id));
  }

  mayHave(id: string): boolean {
    return this.#ids.has(id) || this.#ids.has(null);
  }

  clear(): void {
    this.#ids.clear();
  }

  [Symbol.dispose](): void {
    this.#stopListening();
  }
}

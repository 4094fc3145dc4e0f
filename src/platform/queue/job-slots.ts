/** The slots in which a process runs jobs of one kind. Pausing closes them, resuming opens them again. */

/** How pg-boss opens and closes a slot, which is known by an id. */
export interface SlotControl {
  /** Opens all slots at once. Each slot runs one job after the other. */
  openAll(): Promise<string[]>;
  /** Opens one more slot. */
  open(): Promise<string>;
  /** Stops the slot from taking jobs. Resolves when its running job has ended. */
  close(id: string): Promise<void>;
  /** Opens a slot that takes no jobs. */
  openIdle(): Promise<string>;
}

interface Slot {
  id: string | null;
  isChanging: boolean;
}

/**
 * Opens and closes each slot separately: a job that runs for hours delays only its own slot, and there are never more
 * running jobs than slots. An idle slot stays open while slots change, because pg-boss discards its count of running
 * jobs per group when the last slot closes.
 */
export class JobSlots {
  readonly #control: SlotControl;
  readonly #onError: (error: unknown) => void;
  readonly #slots: Slot[];
  #mustBeOpen = false;
  #isStopped = false;
  #idleSlot: Promise<string> | null = null;

  /** Creates `count` closed slots. */
  constructor(count: number, control: SlotControl, onError: (error: unknown) => void) {
    this.#control = control;
    this.#onError = onError;
    this.#slots = Array.from({ length: count }, () => ({ id: null, isChanging: true }));
  }

  /** Opens all slots at once if `mustBeOpen`. @throws if pg-boss cannot open them */
  async start(mustBeOpen: boolean): Promise<void> {
    this.#mustBeOpen = mustBeOpen;
    const ids = mustBeOpen ? await this.#control.openAll() : [];
    for (const [index, slot] of this.#slots.entries()) {
      slot.id = ids[index] ?? null;
      slot.isChanging = false;
    }
    // `set` may have been called meanwhile.
    this.set(this.#mustBeOpen);
  }

  /** Starts to open or close the slots, and returns at once. */
  set(mustBeOpen: boolean): void {
    this.#mustBeOpen = mustBeOpen;
    for (const slot of this.#slots) this.#adjust(slot).catch(this.#onError);
  }

  /** Leaves the slots as they are from now on: pg-boss waits for jobs that are already running. */
  stop(): void {
    this.#isStopped = true;
  }

  async #adjust(slot: Slot): Promise<void> {
    if (slot.isChanging) return;
    slot.isChanging = true;
    try {
      while (this.#mustChange(slot)) await this.#change(slot);
    } finally {
      slot.isChanging = false;
      if (this.#slots.every(({ isChanging }) => !isChanging)) this.#closeIdleSlot();
    }
  }

  async #change(slot: Slot): Promise<void> {
    if (slot.id === null) {
      slot.id = await this.#control.open();
      return;
    }
    this.#idleSlot ??= this.#control.openIdle();
    await this.#idleSlot;
    await this.#control.close(slot.id);
    slot.id = null;
  }

  #mustChange({ id }: Slot): boolean {
    return !this.#isStopped && (id !== null) !== this.#mustBeOpen;
  }

  #closeIdleSlot(): void {
    const idleSlot = this.#idleSlot;
    this.#idleSlot = null;
    idleSlot?.then((id) => this.#control.close(id)).catch(this.#onError);
  }
}

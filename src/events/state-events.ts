/** Compares the states of things with those of the read before. */
import type { SQL } from "drizzle-orm";
import type { Context } from "../context.ts";
import { type Changed, ChangedIds } from "./changed-ids.ts";
import type { EventKind, EventSource, LifeEvent, Read } from "./life-event.ts";
import { RecentMap } from "./recent-map.ts";

/** Things that are created are not published. Each read looks at the latest ones. */
const MAX_NEW = 100;
/** The things whose states are remembered. A change of any other thing shows its state as an event. */
const MAX_KNOWN = 2000;

export interface StateRow extends Record<string, unknown> {
  readonly id: string;
  readonly state: string;
  readonly type: string;
  readonly userId: string;
}

export interface Stateful<Row extends StateRow> {
  readonly kind: EventKind;
  /** The channel on which changes are published, with the id of the thing. */
  readonly channel: string;
  /** The rows of these ids and of the newest things. */
  readonly select: (ids: readonly string[], newest: number) => SQL;
  /** The recorded times of states, as SQL returns them, in the order in which a thing passes through them. */
  readonly recorded: (row: Row) => readonly (readonly [state: string, at: string | null])[];
  readonly hasEnded: (state: Row["state"]) => boolean;
  readonly details: (row: Row) => LifeEvent["details"];
}

export interface StateMoment {
  readonly state: string;
  /** In milliseconds since 1970. */
  readonly at: number;
}

export class StateEvents<Row extends StateRow> implements EventSource {
  readonly kind: EventKind;
  readonly #ctx: Context;
  readonly #stateful: Stateful<Row>;
  readonly #changed: ChangedIds;
  readonly #known = new RecentMap<string, StateMoment>(MAX_KNOWN);
  #since = 0;

  constructor(ctx: Context, stateful: Stateful<Row>) {
    this.kind = stateful.kind;
    this.#ctx = ctx;
    this.#stateful = stateful;
    this.#changed = new ChangedIds(ctx.listener, stateful.channel);
  }

  async start(): Promise<void> {
    this.#since = this.#ctx.now().getTime();
    for (const { id, state } of await this.#find([], MAX_KNOWN / 2))
      this.#known.set(id, { state, at: this.#since });
  }

  read(): Promise<Read> {
    return this.#changed.take((changed) => this.#read(changed));
  }

  close(): void {
    this.#changed.close();
  }

  async #read({ ids, isIncomplete, dropped }: Changed): Promise<Read> {
    const { hasEnded } = this.#stateful;
    const open = isIncomplete ? [...this.#known].filter(([, { state }]) => !hasEnded(state)) : [];
    const rows = await this.#find([...ids, ...open.map(([id]) => id)], MAX_NEW);
    return { events: rows.flatMap((row) => this.#eventsOf(row)), unread: dropped };
  }

  async #find(ids: readonly string[], newest: number): Promise<Row[]> {
    const { rows } = await this.#ctx.db.execute(this.#stateful.select(ids, newest));
    return rows as Row[];
  }

  #eventsOf(row: Row): LifeEvent[] {
    const { kind, recorded, details } = this.#stateful;
    const known = this.#known.get(row.id);
    const times = { since: this.#since, now: this.#ctx.now().getTime() };
    const moments = newMoments(row.state, recorded(row), known, times);
    const last = moments.at(-1) ?? { state: row.state, at: known?.at ?? this.#since };
    this.#known.set(row.id, last);
    return moments.map(({ state, at }) => ({
      kind,
      event: state,
      id: row.id,
      type: row.type,
      userId: Number(row.userId),
      worker: null,
      at: new Date(at),
      details: details(row),
    }));
  }
}

/** The states since the last read. Those that a thing has passed through are known if it recorded their times. */
export function newMoments(
  state: string,
  recorded: ReturnType<Stateful<StateRow>["recorded"]>,
  known: StateMoment | undefined,
  { since, now }: { readonly since: number; readonly now: number },
): StateMoment[] {
  if (known?.state === state) return [];
  const after = known?.at ?? since;
  const moments = recorded
    .map(([passed, at]) => ({ state: passed, at: at === null ? 0 : new Date(at).getTime() }))
    .filter((moment) => moment.at > after && moment.state !== known?.state);
  return moments.at(-1)?.state === state ? moments : [...moments, { state, at: now }];
}

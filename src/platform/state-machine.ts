/** States and the transitions between them, for batches and tasks. */
import { DomainError } from "../errors.ts";

export interface Transition<State extends string> {
  readonly from: readonly State[];
  readonly to: State;
  /** When the transition happens, in one sentence. The documentation shows it too. */
  readonly when: string;
}

const or = new Intl.ListFormat("en", { type: "disjunction" });

/** @param noun the word for the thing in messages, such as `batch` */
export function stateMachine<State extends string, Edge extends string>(
  noun: string,
  transitions: Readonly<Record<Edge, Transition<State>>>,
) {
  function allows(edge: Edge, state: State): boolean {
    return transitions[edge].from.includes(state);
  }

  /**
   * @param done the past participle of the command, such as `paused`
   * @throws DomainError `conflict` that names the states in which the command is allowed
   */
  function requireEdge(edge: Edge, state: State, done: string): void {
    if (allows(edge, state)) return;
    const states = or.format(transitions[edge].from);
    throw new DomainError(
      "conflict",
      `${withArticle("A", noun)} that is ${state} cannot be ${done}. Only ${withArticle("a", states)} ${noun} can.`,
    );
  }

  return { allows, requireEdge };
}

function withArticle(article: "A" | "a", words: string): string {
  return `${article}${/^[aeiou]/.test(words) ? "n" : ""} ${words}`;
}

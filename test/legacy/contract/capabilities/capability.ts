/** A capability that the document of a replaced service describes, and what shows that Rowmill has it. */
export interface Capability {
  readonly text: string;
  /** How Rowmill does it, if not in the same way. */
  readonly instead?: string;
  /** Labels of tests that replay the document: `request 1` for the test `book upload, request 1: ...`. */
  readonly replayed?: readonly string[];
  /** Names of other tests, by their file. */
  readonly tests?: Readonly<Record<string, readonly string[]>>;
  /** Why nothing shows it. */
  readonly missing?: string;
}

export interface ReplacedService {
  readonly id: "S0" | "S1" | "S2" | "S3" | "S4";
  readonly name: string;
  /** The file in test/legacy/contract that replays its document, and how the names of its tests begin. */
  readonly file: string;
  readonly label: string;
  /** In the order of the document: the first one is S0.1. */
  readonly capabilities: readonly Capability[];
}

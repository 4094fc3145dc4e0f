/** For scripts. */
export const EXIT = {
  /** The command did its work. */
  done: 0,
  /** The server or the command refused it, or the connection failed. */
  refused: 1,
  /** The work ended, but not as hoped: rows failed, or a batch or task failed or was cancelled. */
  failures: 2,
  /** Ctrl-C. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

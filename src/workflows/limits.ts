/** The limits of workflows. docs/guide/workflows.md lists them. */
export const MAX_STEPS = 1000;
/** Steps that run one after the other. */
export const MAX_DEPTH = 100;
export const MAX_EDGES = 10_000;
export const MAX_BODY_BYTES = 2 * 2 ** 20;
/** Longer results are not passed on to other steps. */
export const MAX_RESULT_BYTES = 65_536;
/** Of the parameters of a step with the results that its templates insert. */
export const MAX_RENDERED_BYTES = 262_144;
const DAY_SECONDS = 86_400;
export const DEFAULT_TIMEOUT_SECONDS = 7 * DAY_SECONDS;
export const MAX_TIMEOUT_SECONDS = 30 * DAY_SECONDS;

/** A PDF is in memory whole. */
export const PDF_MAX_BYTES = 100 * 2 ** 20;
/** More than this are read only where `max_pages` says how many. */
export const PDF_MAX_PAGES = 10_000;

/** A PDF is read into memory as a whole. */
export const PDF_MAX_BYTES = 100 * 2 ** 20;
/** A longer PDF needs `max_pages`. */
export const PDF_MAX_PAGES = 10_000;

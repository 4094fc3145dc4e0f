/** The formats that the API stores. */
export const PICTURE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif"];

/** The address on this site: the page may show no pictures of others, and may have another name than PUBLIC_URL. */
export function sameSite(url: string): string {
  return new URL(url).pathname;
}

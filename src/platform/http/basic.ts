/** Parses the credentials of `Authorization: Basic`: base64 of `user:password` in UTF-8 (RFC 7617). */

/** A byte order mark is kept, because it can be a part of a password. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns null if the credentials are malformed, or the username is blank or has a NUL, which no account has. */
export function parseBasic(credentials: string): { username: string; password: string } | null {
  const text = decode(credentials);
  // The first colon ends the username. A password can have colons.
  const [, username = "", password = ""] = (text && /^([^:\0]+):(.*)$/s.exec(text)) || [];
  return username.trim() === "" ? null : { username, password };
}

function decode(base64: string): string | null {
  try {
    return utf8.decode(Buffer.from(atob(base64), "latin1"));
  } catch {
    return null;
  }
}

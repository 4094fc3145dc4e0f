/** The credentials of `Authorization: Basic`: base64 of `user:password` in UTF-8 (RFC 7617). */

/** A byte order mark is part of a password like any other character. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Null where they are none. The name is neither empty nor has a NUL, which no account's has. */
export function parseBasic(credentials: string): { username: string; password: string } | null {
  const text = decode(credentials);
  // A colon ends the name, since only the password may have one.
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

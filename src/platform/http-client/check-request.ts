/** Checks the URL and the headers of outgoing requests when a user saves them. */
import { setTimeout as sleep } from "node:timers/promises";
import { invalidField } from "../../errors.ts";
import { isReachable } from "./addresses.ts";
import {
  DestinationRefused,
  type EgressRules,
  literalOf,
  NOT_PUBLIC,
  parseDestination,
} from "./destination.ts";
import { resolveHost } from "./resolve-host.ts";

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/;
const RESERVED =
  /^(host|content-.*|webhook-.*|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|accept-encoding)$/;

/** The characters of the value of a header: visible ASCII, with spaces within. */
export const HEADER_VALUE = "^[\\x21-\\x7e]([\\x20-\\x7e]*[\\x21-\\x7e])?$";

/**
 * @param free names that are otherwise reserved, in lower case
 * @throws DomainError `invalid_input` for a name that is invalid, there twice, or set by Rowmill
 */
export function checkHeaders(
  headers: Readonly<Record<string, string>>,
  { field = "headers", reserved = RESERVED, free = [] as readonly string[] } = {},
): void {
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  if (new Set(names).size < names.length) throw invalidField(field, "has the same name twice.");
  const invalid = Object.keys(headers).find((name) => !TOKEN.test(name));
  if (invalid !== undefined)
    throw invalidField(field, `"${invalid.slice(0, 100)}" is not the name of a header.`);
  const taken = names.find((name) => !free.includes(name) && (RESERVED.test(name) || reserved.test(name)));
  if (taken) throw invalidField(field, `"${taken}" is set by Rowmill. Choose another name.`);
}

/** Otherwise a request could have a header of Rowmill and one of the user with the same name. */
export function inLowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

const LOOK_UP_MS = 3000;

/**
 * A friendly check: the address is checked again at every attempt. A name server that does not answer is no reason to refuse.
 * @returns the URL in its usual form
 * @throws DomainError `invalid_input`
 */
export async function checkUrl(rules: EgressRules, text: string, field = "url"): Promise<string> {
  const url = parse(text, rules, field);
  if (literalOf(url.hostname) !== null || rules.proxyUrl !== "") return url.href;
  const addresses = await Promise.race([
    resolveHost(url.hostname),
    sleep(LOOK_UP_MS, [], { ref: false }),
  ]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOTFOUND") throw invalidField(field, `the host "${url.hostname}" is unknown.`);
    return [];
  });
  if (addresses.some(({ address }) => !isReachable(address, rules.allowedNetworks)))
    throw invalidField(field, NOT_PUBLIC);
  return url.href;
}

function parse(text: string, rules: EgressRules, field: string): URL {
  try {
    return parseDestination(text, rules);
  } catch (error) {
    if (error instanceof DestinationRefused) throw invalidField(field, error.message, error);
    throw error;
  }
}

/** Reads XML as it arrives. Names have no prefixes: writers choose different ones. */
import { SaxesParser, type SaxesTagPlain } from "saxes";
import type { DomainError } from "../../errors.ts";
import { damaged, quoted, tooLarge } from "./refusals.ts";

export type Attributes = Readonly<Record<string, string>>;

export interface XmlHandler {
  open(name: string, attributes: Attributes): void;
  close(name: string): void;
  /** Called for each piece of a text. */
  text?(text: string): void;
}

/** Small pieces, so that the rows of one piece never fill the memory. */
const PIECE_CHARS = 16_384;
const MAX_DEPTH = 100;

/**
 * Parses a part, and yields after every piece so that the caller can pass on what the handler has collected.
 * @param maxQuietChars how long a tag or a text may be, which `limitName` sets
 * @throws DomainError `invalid_input` if the part is not valid XML or has a DOCTYPE, which could define entities
 */
export async function* readXml(
  path: string,
  part: AsyncIterable<Uint8Array>,
  handler: XmlHandler,
  maxQuietChars = 2 ** 20,
  limitName?: string,
): AsyncGenerator<void> {
  const parser = new SaxesParser({ xmlns: false, position: false, fragment: false });
  let depth = 0;
  let quietChars = 0;
  parser.on("opentag", ({ name, attributes }: SaxesTagPlain) => {
    quietChars = 0;
    if (++depth > MAX_DEPTH) throw damaged(`its part ${quoted(path)} nests elements too deeply`);
    handler.open(localName(name), attributes);
  });
  parser.on("closetag", ({ name }) => {
    quietChars = 0;
    depth--;
    handler.close(localName(name));
  });
  const onText = (text: string) => {
    quietChars = 0;
    handler.text?.(text);
  };
  parser.on("text", onText);
  parser.on("cdata", onText);
  parser.on("doctype", () => {
    throw damaged(`its part ${quoted(path)} has a DOCTYPE, which a workbook must not have`);
  });
  parser.on("xmldecl", ({ encoding }) => {
    if (encoding !== undefined && !/^utf-?(8|16)$/i.test(encoding))
      throw damaged(`its part ${quoted(path)} is in the encoding ${quoted(encoding)} instead of UTF-8`);
  });
  parser.on("error", (error) => {
    throw damaged(`its part ${quoted(path)} is not valid XML`, error);
  });
  for await (const text of decoded(path, part)) {
    for (let at = 0; at < text.length; at += PIECE_CHARS) {
      const piece = text.slice(at, at + PIECE_CHARS);
      quietChars += piece.length;
      parser.write(piece);
      if (quietChars > maxQuietChars + PIECE_CHARS) throw tooLong(path, maxQuietChars, limitName);
      yield;
    }
  }
  parser.close();
  yield;
}

function tooLong(path: string, maxChars: number, limitName?: string): DomainError {
  const limit = limitName === undefined ? "" : ` (${limitName})`;
  return tooLarge(`has a text of more than ${maxChars} characters${limit} in its part ${quoted(path)}`);
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1);
}

/** Returns an attribute without regard to its prefix. */
export function attributeOf(attributes: Attributes, name: string): string | undefined {
  return attributes[name] ?? Object.entries(attributes).find(([key]) => localName(key) === name)?.[1];
}

async function* decoded(path: string, part: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  try {
    for await (const bytes of part) {
      decoder ??= new TextDecoder(encodingOf(bytes), { fatal: true });
      yield decoder.decode(bytes, { stream: true });
    }
    if (decoder) yield decoder.decode();
  } catch (error) {
    throw error instanceof TypeError ? damaged(`its part ${quoted(path)} is not valid UTF-8`, error) : error;
  }
}

function encodingOf([first, second]: Uint8Array): string {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  if (first === 0xfe && second === 0xff) return "utf-16be";
  return "utf-8";
}

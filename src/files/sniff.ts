/** What a file is, told by its bytes: a name says nothing. */
import { extname } from "node:path";
import { fileTypeFromBuffer } from "file-type";

/** Enough for every signature, and for the first entries of a zip that is a document. */
const SAMPLE_BYTES = 2 ** 16;

const TEXT_BY_EXTENSION: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".md": "text/markdown",
  ".markdown": "text/markdown",
};

/** Formats with a signature that may be valid text all the same. With any other, text only happens to begin like it. */
const TEXT_FORMATS = /^text\/|^application\/(pdf|xml|rtf|postscript|eps|pgp-encrypted)$/;

export class Sniffer {
  #sample: Buffer = Buffer.alloc(0);
  #isText = true;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  /** Takes the next bytes of the file. */
  update(bytes: Uint8Array): void {
    if (this.#sample.length < SAMPLE_BYTES)
      this.#sample = Buffer.concat([this.#sample, bytes.subarray(0, SAMPLE_BYTES - this.#sample.length)]);
    this.#isText &&= !bytes.includes(0) && this.#decodes(bytes, true);
  }

  /** @param isAll whether it was given the whole file, so that a character which is cut off in its end is an error */
  async mediaType(name: string, isAll = true): Promise<string> {
    const isText = this.#isText && (!isAll || this.#decodes(new Uint8Array(), false));
    const known = await signatureOf(this.#sample);
    if (known && (!isText || TEXT_FORMATS.test(known))) return known;
    if (!isText) return "application/octet-stream";
    return TEXT_BY_EXTENSION[extname(name).toLowerCase()] ?? "text/plain";
  }

  #decodes(bytes: Uint8Array, stream: boolean): boolean {
    try {
      this.#decoder.decode(bytes, { stream });
      return true;
    } catch {
      return false;
    }
  }
}

async function signatureOf(sample: Buffer): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(sample))?.mime;
  } catch {
    // It begins like a format and then breaks its rules: it is none.
    return undefined;
  }
}

/** Detects the media type of a file from its content. The name only decides between kinds of text. */
import { extname } from "node:path";
import { type FileTypeResult, fileTypeFromBuffer } from "file-type";

/** Enough for every signature, and for the first entries of documents that are ZIP archives. */
const SAMPLE_BYTES = 2 ** 16;

const TEXT_BY_EXTENSION: Readonly<Record<string, string>> = {
  ".csv": "text/csv",
  ".md": "text/markdown",
  ".markdown": "text/markdown",
};

/** Formats whose files can be valid text. Text that starts like any other format is only text. */
const TEXT_FORMATS = /^text\/|^application\/(pdf|xml|rtf|postscript|eps|pgp-encrypted)$/;

export class Sniffer {
  #sample: Buffer = Buffer.alloc(0);
  #isText = true;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  update(bytes: Uint8Array): void {
    if (this.#sample.length < SAMPLE_BYTES)
      this.#sample = Buffer.concat([this.#sample, bytes.subarray(0, SAMPLE_BYTES - this.#sample.length)]);
    this.#isText &&= !bytes.includes(0) && this.#decodes(bytes, true);
  }

  /** @param isComplete whether it has seen the whole file, so that a cut character at the end is not text */
  async mediaType(name: string, isComplete = true): Promise<string> {
    const isText = this.#isText && (!isComplete || this.#decodes(new Uint8Array(), false));
    const known = (await detectFileType(this.#sample))?.mime;
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

/** @returns undefined also if the sample starts like a format and then breaks its rules, for which file-type throws */
export function detectFileType(sample: Uint8Array): Promise<FileTypeResult | undefined> {
  return fileTypeFromBuffer(sample).catch(() => undefined);
}

/** The texts that the cells of a workbook share. They are read only as far as cells need them. */
import { damaged, tooLarge } from "./refusals.ts";
import { TextCollector } from "./text-collector.ts";
import { TextStore } from "./text-store.ts";
import { type Attributes, readXml } from "./xml.ts";
import type { Zip } from "./zip.ts";

export interface StringLimits {
  readonly cellMaxBytes: number;
  /** How much memory the texts of one workbook may take. */
  readonly stringsMaxBytes: number;
  /** Of the part, unpacked (UPLOAD_MAX_BYTES). */
  readonly uploadMaxBytes: number;
  /** Waits until the process has the memory. Absent: at once. */
  holdStrings?(bytes: number): Promise<Disposable>;
}

export class SharedStrings {
  readonly #zip: Zip;
  readonly #path: string | undefined;
  readonly #limits: StringLimits;
  readonly #texts: TextStore;
  #pieces: AsyncGenerator<void> | undefined;
  #held: Disposable | undefined;
  #isEnd = false;

  constructor(zip: Zip, path: string | undefined, limits: StringLimits) {
    this.#zip = zip;
    this.#path = path;
    this.#limits = limits;
    this.#texts = new TextStore(limits.stringsMaxBytes);
  }

  /** Reads at least the texts up to `index`. @throws DomainError if there are fewer, or if they take too much memory */
  async load(index: number): Promise<void> {
    if (index < this.#texts.count) return;
    this.#pieces ??= await this.#open();
    while (index >= this.#texts.count && !this.#isEnd) {
      this.#isEnd = (await this.#pieces.next()).done ?? false;
    }
    if (index >= this.#texts.count)
      throw damaged(`a cell refers to shared text ${index}, but there are only ${this.#texts.count}`);
  }

  /** The number of texts that have been read. */
  get count(): number {
    return this.#texts.count;
  }

  /** Call `load` before. */
  get(index: number): string {
    return this.#texts.get(index);
  }

  async close(): Promise<void> {
    await this.#pieces?.return(undefined);
    this.#held?.[Symbol.dispose]();
    this.#held = undefined;
  }

  async #open(): Promise<AsyncGenerator<void>> {
    const { cellMaxBytes, stringsMaxBytes, uploadMaxBytes, holdStrings } = this.#limits;
    const path = this.#path;
    if (path === undefined || !this.#zip.has(path))
      throw damaged("it has no shared texts, but a cell refers to one");
    // The texts are a part of the XML.
    this.#held = await holdStrings?.(Math.min(stringsMaxBytes, this.#zip.sizeOf(path)));
    const collector = new TextCollector(cellMaxBytes);
    const texts = this.#texts;
    const handler = {
      open(name: string, _: Attributes) {
        if (name === "si") collector.start();
        else collector.open(name);
      },
      text: (text: string) => collector.text(text),
      close(name: string) {
        collector.close(name);
        if (name !== "si") return;
        if (collector.isTooLong)
          throw tooLarge(`has a text of more than ${cellMaxBytes} bytes (CELL_MAX_BYTES)`);
        texts.add(collector.end());
      },
    };
    // The text store does not count phonetic hints and other markup.
    const part = this.#zip.read(path, uploadMaxBytes);
    return readXml(path, part, handler, 2 * cellMaxBytes, "2 x CELL_MAX_BYTES");
  }
}

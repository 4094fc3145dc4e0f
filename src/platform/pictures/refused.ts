export type RefusalCode =
  | "empty_file"
  | "unsupported_format"
  | "too_many_pixels"
  | "too_many_frames"
  | "damaged"
  | "takes_too_long";

const ABOUT_SIZE: readonly RefusalCode[] = ["too_many_pixels", "too_many_frames", "takes_too_long"];

/** A picture that cannot be accepted. The message follows the name of the field or the file. */
export class PictureRefused extends Error {
  override name = "PictureRefused";
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }

  get isTooLarge(): boolean {
    return ABOUT_SIZE.includes(this.code);
  }
}

const MESSAGES = {
  empty_file: "is empty: the file has no bytes.",
  unsupported_format: "is not a JPEG, PNG, WebP, AVIF or GIF. The content decides, not the name.",
  damaged: "is damaged or incomplete.",
};

export function refused(code: keyof typeof MESSAGES, cause?: unknown): PictureRefused {
  return new PictureRefused(code, MESSAGES[code], cause);
}

/** Maps an error of sharp to a refusal. Except for a lack of memory, only the picture can be the cause. */
export function refusalOf(cause: unknown, maxSeconds: number): Error {
  if (!(cause instanceof Error) || cause instanceof PictureRefused) return asError(cause);
  if (/out of memory/i.test(cause.message)) return cause;
  if (/empty/i.test(cause.message)) return refused("empty_file", cause);
  if (/unsupported image format/i.test(cause.message)) return refused("unsupported_format", cause);
  if (/timeout/i.test(cause.message)) {
    return new PictureRefused("takes_too_long", `takes more than ${maxSeconds} s to decode.`, cause);
  }
  return refused("damaged", cause);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

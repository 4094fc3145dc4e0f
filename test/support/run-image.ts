import type { Static } from "typebox";
import { imageType } from "../../src/tasks/types/image/image.ts";
import type { ImageParams } from "../../src/tasks/types/image/params.ts";
import { fileOf, type Tried, tryType } from "./task-input.ts";

export interface ImageOptions {
  readonly params?: Static<typeof ImageParams>;
  readonly name?: string;
  readonly maxPixels?: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (message: string) => void;
}

/** Runs the type `image` on bytes. */
export function runImage(
  bytes: Buffer,
  { params = {}, name = "photo.jpg", maxPixels, ...options }: ImageOptions = {},
): Promise<Tried> {
  const config = maxPixels === undefined ? {} : { pictureMaxPixels: maxPixels };
  return tryType(imageType, fileOf(bytes, name, 1000), params, { config, ...options });
}

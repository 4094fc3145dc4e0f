/** The parameters of image tasks, as `params` and as `metadata`. */
import { expect, test } from "vitest";
import { DomainError } from "../../../../src/errors.ts";
import { checkParams } from "../../../../src/tasks/create/check-params.ts";
import { imageType } from "../../../../src/tasks/types/image/image.ts";
import { sizesOf } from "../../../../src/tasks/types/image/plan.ts";

function problems(params: unknown, metadata: Record<string, unknown> = {}): Record<string, string[]> {
  try {
    checkParams(imageType, params, metadata);
  } catch (error) {
    if (error instanceof DomainError) return error.fieldErrors;
    throw error;
  }
  return {};
}

test.each([
  [{}],
  [{ resize: [1920, 1080] }],
  [{ resize: { width: 1, fit: "fill" } }],
  [{ resize: { height: 16_383, enlarge: true } }],
  [{ format: "avif", quality: 1 }],
  [{ quality: "low", strip_metadata: false }],
  [{ thumbnails: [16, 1024], background: "#a0B1c2d3" }],
  [{ thumbnails: [], background: "transparent" }],
])("the image parameters %j are accepted", (params) => {
  expect(problems(params)).toEqual({});
  expect(checkParams(imageType, params, {})).toEqual(params);
});

const RESIZE =
  "must be: [width, height] in pixels, 1 to 16383, or an object with width, height, fit and enlarge.";

test.each([
  [{ resize: "big" }, "params.resize", RESIZE],
  [{ resize: [100] }, "params.resize", RESIZE],
  [{ resize: [0, 100] }, "params.resize", RESIZE],
  [{ resize: [100.5, 100] }, "params.resize", RESIZE],
  [{ resize: {} }, "params.resize", RESIZE],
  [{ resize: { fit: "cover" } }, "params.resize", RESIZE],
  [{ resize: { width: 16_384 } }, "params.resize", RESIZE],
  [{ resize: { width: 10, depth: 10 } }, "params.resize", RESIZE],
  [{ quality: 101 }, "params.quality", expect.stringMatching(/^must be: 1 to 100, or low, medium or high/)],
  [{ quality: "best" }, "params.quality", expect.stringMatching(/^must be: 1 to 100/)],
  [{ format: "tiff" }, "params.format", "must be one of: jpeg, png, webp, avif, gif."],
  [{ strip_metadata: "no" }, "params.strip_metadata", "must be true or false."],
  [{ thumbnails: [15] }, "params.thumbnails.0", "must be at least 16."],
  [{ thumbnails: [64, 64] }, "params.thumbnails", expect.stringMatching(/duplicate/)],
  [{ thumbnails: Array.from({ length: 11 }, (_, i) => 20 + i) }, "params.thumbnails", expect.any(String)],
  [{ background: "red" }, "params.background", expect.stringMatching(/pattern/)],
  [
    { width: 100 },
    "params.width",
    expect.stringMatching(/is not a parameter of image\. Known parameters: resize, /),
  ],
])("the image parameters %j are refused, naming %s", (params, field, problem) => {
  expect(problems(params)).toEqual({ [field]: [problem] });
});

test("image parameters in metadata are read, and other metadata is ignored", () => {
  const metadata = { quality: "high", resize: [1920, 1080], project: "A", pages: 3 };
  expect(checkParams(imageType, null, metadata)).toEqual({ quality: "high", resize: [1920, 1080] });
  expect(problems(null, { resize: "1920x1080", quality: 500, project: 1 })).toEqual({
    "metadata.resize": [RESIZE],
    "metadata.quality": [expect.stringMatching(/^must be: 1 to 100/)],
  });
  // Parameters of its own are all that count where there are some.
  expect(checkParams(imageType, { quality: 5 }, { resize: "what I did" })).toEqual({ quality: 5 });
});

test("no resize has an intermediate image larger than estimated", () => {
  // 1 x 1000 to 16 x 16 by `cover` is 16 x 16000 before it is cut.
  const strip = { width: 1, height: 1000 };
  const to = { width: 16, height: 16, fit: "cover", enlarge: true } as const;
  expect(sizesOf(strip, to)).toEqual({
    scaled: { width: 16, height: 16_000 },
    final: { width: 16, height: 16 },
  });
  expect(sizesOf(strip, { ...to, fit: "inside" }).scaled).toEqual({ width: 1, height: 16 });
  expect(sizesOf(strip, { ...to, fit: "contain" }).final).toEqual({ width: 16, height: 16 });
  expect(sizesOf(strip, { ...to, enlarge: false }).final).toEqual({ width: 1, height: 16 });
});

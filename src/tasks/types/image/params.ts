/** The parameters of the type `image`, from `params` or `metadata`. */
import Type, { type Static } from "typebox";
import { FORMAT_NAMES, QUALITY_NAMES } from "../../../platform/pictures/formats.ts";
import { FITS } from "../../../platform/pictures/transform.ts";

/** The limit of WebP, the lowest of all formats. */
const MAX_SIDE = 16_383;
const MAX_THUMBNAILS = 10;

const side = (description: string) => Type.Integer({ minimum: 1, maximum: MAX_SIDE, description });

const WIDTH = side("In pixels. Absent: it follows from `height`, except with `fill`.");
const HEIGHT = side("In pixels. Absent: it follows from `width`, except with `fill`.");

const ResizeBox = Type.Object(
  {
    width: Type.Optional(WIDTH),
    height: Type.Optional(HEIGHT),
    fit: Type.Optional(
      Type.Enum(FITS, {
        description:
          "inside: the whole picture, no larger than this. cover: exactly this size, cropped at the edges. contain: " +
          "exactly this size, padded with `background`. fill: exactly this size, stretched. Absent: inside.",
      }),
    ),
    enlarge: Type.Optional(
      Type.Boolean({ description: "Whether to enlarge smaller pictures. Absent: false." }),
    ),
  },
  {
    // Each branch repeats its property, because code generators read each branch alone.
    anyOf: [
      { properties: { width: WIDTH }, required: ["width"] },
      { properties: { height: HEIGHT }, required: ["height"] },
    ],
    additionalProperties: false,
    examples: [{ width: 1920, height: 1080, fit: "inside" }],
  },
);

const ResizePair = Type.Array(Type.Integer({ minimum: 1, maximum: MAX_SIDE }), {
  minItems: 2,
  maxItems: 2,
  description: "[width, height] in pixels, with `fit` inside.",
  examples: [[1920, 1080]],
});

export const ImageParams = Type.Object({
  resize: Type.Optional(
    Type.Union([ResizeBox, ResizePair], {
      description: `[width, height] in pixels, 1 to ${MAX_SIDE}, or an object with width, height, fit and enlarge.`,
      examples: [[1920, 1080]],
    }),
  ),
  format: Type.Optional(
    Type.Enum(FORMAT_NAMES, {
      description:
        "The format of the new picture. Absent: the format of the file. Animations stay animated in gif and webp; the " +
        "other formats get the first frame.",
    }),
  ),
  quality: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 100 }), Type.Enum(QUALITY_NAMES)], {
      description:
        "1 to 100, or low, medium or high. These are 50, 70 and 85 for jpeg and webp; 35, 50 and 60 for avif; 40, 75 and " +
        "100 for png and gif. For png and gif, 100 is lossless, lower values use 256 colours with less dithering, and " +
        "values below 50 use 16 colours or fewer. Absent: high.",
      examples: ["high", 80],
    }),
  ),
  strip_metadata: Type.Optional(
    Type.Boolean({
      description:
        "true: removes the data about camera, place and software, and converts colours to sRGB. false: keeps EXIF and the " +
        "colour profile, and applies the orientation. Absent: true.",
    }),
  ),
  thumbnails: Type.Optional(
    Type.Array(Type.Integer({ minimum: 16, maximum: 1024 }), {
      maxItems: MAX_THUMBNAILS,
      uniqueItems: true,
      description:
        `Up to ${MAX_THUMBNAILS} sizes from 16 to 1024. Each creates a WebP of the new picture with at most this many ` +
        "pixels per side. Thumbnails are never larger than the new picture.",
      examples: [[64, 320]],
    }),
  ),
  background: Type.Optional(
    Type.String({
      pattern: "^(#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})|transparent)$",
      description:
        "#rrggbb, #rrggbbaa or transparent. Fills the space around a picture with `contain`, and the transparent parts in " +
        "jpeg. Absent: transparent, and white for jpeg.",
      examples: ["#ffffff"],
    }),
  ),
});
export type ImageParams = Static<typeof ImageParams>;

/** Takes the parameters from `metadata` by their names, and ignores its other fields. */
export function imageParamsFrom(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(ImageParams.properties).filter((name) => Object.hasOwn(metadata, name));
  return Object.fromEntries(names.map((name) => [name, metadata[name]]));
}

/** What a client may ask of a picture, and how `metadata` asks for the same. */
import Type, { type Static } from "typebox";
import { FORMAT_NAMES, QUALITY_NAMES } from "../../../platform/pictures/formats.ts";
import { FITS } from "../../../platform/pictures/transform.ts";

/** That of WebP, the lowest of any format. */
const MAX_SIDE = 16_383;
const MAX_THUMBNAILS = 10;

const side = (description: string) => Type.Integer({ minimum: 1, maximum: MAX_SIDE, description });

const ResizeBox = Type.Object(
  {
    width: Type.Optional(side("In pixels. Absent: follows from `height`, except with `fill`.")),
    height: Type.Optional(side("In pixels. Absent: follows from `width`, except with `fill`.")),
    fit: Type.Optional(
      Type.Enum(FITS, {
        description:
          "inside: all of the picture, no larger than this. cover: exactly this size, cut at the edges. contain: " +
          "exactly this size, with `background` beside it. fill: exactly this size, stretched. Absent: inside.",
      }),
    ),
    enlarge: Type.Optional(
      Type.Boolean({ description: "Whether a smaller picture is made larger. Absent: false." }),
    ),
  },
  {
    anyOf: [{ required: ["width"] }, { required: ["height"] }],
    additionalProperties: false,
    examples: [{ width: 1920, height: 1080, fit: "inside" }],
  },
);

const ResizePair = Type.Array(Type.Integer({ minimum: 1, maximum: MAX_SIDE }), {
  minItems: 2,
  maxItems: 2,
  description: "[width, height], with `fit` inside.",
  examples: [[1920, 1080]],
});

export const ImageParams = Type.Object({
  resize: Type.Optional(
    Type.Union([ResizeBox, ResizePair], {
      description: `[width, height], or an object of width, height, fit and enlarge; in pixels, 1 to ${MAX_SIDE}.`,
      examples: [[1920, 1080]],
    }),
  ),
  format: Type.Optional(
    Type.Enum(FORMAT_NAMES, {
      description:
        "jpeg, png, webp, avif or gif. Absent: that of the file. Animations stay animated as gif and webp; the " +
        "others get the first frame.",
    }),
  ),
  quality: Type.Optional(
    Type.Union([Type.Integer({ minimum: 1, maximum: 100 }), Type.Enum(QUALITY_NAMES)], {
      description:
        "1 to 100, or low, medium or high: 50, 70, 85 for jpeg and webp; 35, 50, 60 for avif; 40, 75, 100 for png and " +
        "gif, where 100 is all that the format can, less has 256 colours with less dither, and below 50 16 colours or " +
        "fewer. Absent: high.",
      examples: ["high", 80],
    }),
  ),
  strip_metadata: Type.Optional(
    Type.Boolean({
      description:
        "true: nothing is left of camera, place and software, and colours are sRGB. false: EXIF and the colour " +
        "profile are kept, but for the orientation, which is applied. Absent: true.",
    }),
  ),
  thumbnails: Type.Optional(
    Type.Array(Type.Integer({ minimum: 16, maximum: 1024 }), {
      maxItems: MAX_THUMBNAILS,
      uniqueItems: true,
      description:
        `Up to ${MAX_THUMBNAILS} sizes, 16 to 1024: for each a WebP of what was made, at most so many pixels a side. ` +
        "None is larger than that.",
      examples: [[64, 320]],
    }),
  ),
  background: Type.Optional(
    Type.String({
      pattern: "^(#([0-9a-fA-F]{6}|[0-9a-fA-F]{8})|transparent)$",
      description:
        "#rrggbb, #rrggbbaa or transparent: what `contain` leaves free, and what is behind a picture that jpeg can't " +
        "keep transparent. Absent: transparent; for jpeg white.",
      examples: ["#ffffff"],
    }),
  ),
});
export type ImageParams = Static<typeof ImageParams>;

/** Parameters that `metadata` has under their names; whatever else it has is its owner's. */
export function imageParamsFrom(metadata: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = Object.keys(ImageParams.properties).filter((name) => Object.hasOwn(metadata, name));
  return Object.fromEntries(names.map((name) => [name, metadata[name]]));
}

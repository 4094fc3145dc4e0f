/** Inspects videos, and copies them or parts of them into new files. */
import Type from "typebox";
import { Permanent } from "../../../errors.ts";
import { workInThread } from "../in-thread.ts";
import type { TaskType } from "../task-type.ts";
import { CONTAINERS } from "./limits.ts";
import type { VideoData, VideoFound } from "./thread.ts";

const params = Type.Object({
  action: Type.Enum(["inspect", "remux"], {
    default: "inspect",
    description:
      "inspect: reads the properties of the video. remux: also copies the video or a part of it into a new file.",
  }),
  container: Type.Optional(
    Type.Enum([...CONTAINERS], {
      description:
        "The container of the new file. Absent: the same container (MP4 for MPEG-TS). The codecs must fit: WebM takes VP8, VP9, AV1, Opus and Vorbis.",
    }),
  ),
  trim: Type.Optional(
    Type.Object(
      {
        start_seconds: Type.Number({
          default: 0,
          minimum: 0,
          description:
            "The new file starts at the key frame at or before this time (`actual_start_seconds`).",
        }),
        end_seconds: Type.Optional(
          Type.Number({ exclusiveMinimum: 0, description: "Absent: the end of the video." }),
        ),
      },
      { description: "The part that `remux` copies.", examples: [{ start_seconds: 10, end_seconds: 25.5 }] },
    ),
  ),
});

/** The same for files of any size. A thread that hangs over a forged index reports no progress and is stopped. */
const LIMITS = { heapMb: 256, bytesMb: 200, seconds: 1800, silentSeconds: 20 } as const;

export const videoType: TaskType<typeof params, "required"> = {
  name: "video",
  description:
    "Reads the properties of a video (MP4, MOV, WebM, Matroska or MPEG-TS): container, duration, codecs, dimensions, frame " +
    "rate, bit rates, tracks and tags. `remux` changes the container or cuts out a part by copying the encoded data. It " +
    "does not encode again: codec, size and quality stay, a part starts at a key frame, and subtitles are left out. Other formats " +
    "fail with `unsupported_format`, a codec that does not fit with `unsupported_codec`, a broken video with `damaged`.",
  queue: "file_processing",
  params,
  file: "required",
  limits: { timeoutSeconds: 3600 },

  async run(_ctx, input) {
    const { params, file } = input;
    const { action, container, trim } = params;
    if (action === "inspect" && (container || trim)) {
      throw new Permanent("invalid_params", "`container` and `trim` need the action `remux`.");
    }
    const startSeconds = trim?.start_seconds ?? 0;
    const endSeconds = trim?.end_seconds ?? Number.POSITIVE_INFINITY;
    if (endSeconds <= startSeconds) {
      throw new Permanent("invalid_trim", "`trim.end_seconds` must be greater than `trim.start_seconds`.");
    }
    const remux = action === "remux" ? { container, startSeconds, endSeconds } : null;
    const data: VideoData = { name: file.name, bytes: file.bytes, remux };
    const { result, output } = await workInThread<VideoFound>(input, {
      script: new URL("./thread.ts", import.meta.url),
      data,
      limits: LIMITS,
    });
    return { message: describe(file.name, result), ...result, file: output };
  },
};

function describe(name: string, { output, ...found }: VideoFound): string {
  const { codec, width, height, frame_rate } = found.video;
  const rate = frame_rate === null ? "" : ` at ${frame_rate} frames per second`;
  const sound = found.audio ? `, audio in ${found.audio.codec ?? "an unknown codec"}` : ", no audio";
  const summary = `"${name}" is ${found.duration_seconds} s of ${codec ?? "an unknown codec"} in ${found.container}, ${width} x ${height}${rate}${sound}`;
  if (!output) return summary;
  return `${summary}. The new ${output.container} file has ${output.duration_seconds} s of it, from ${output.actual_start_seconds} s on`;
}

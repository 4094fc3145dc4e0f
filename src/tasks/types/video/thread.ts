/** Runs in a thread: reads or copies a video for the type `video`. */
import { serveThread } from "../../../platform/threads/inside.ts";
import { damaged } from "../damaged.ts";
import type { FileHost } from "../in-thread.ts";
import { inspectVideo } from "./inspect-video.ts";
import type { Container } from "./limits.ts";
import { openVideo } from "./open-video.ts";
import { remuxVideo } from "./remux-video.ts";

export interface VideoData {
  readonly name: string;
  readonly bytes: number;
  /** null: only inspect the video. */
  readonly remux: {
    readonly container: Container | undefined;
    readonly startSeconds: number;
    readonly endSeconds: number;
  } | null;
}

export type VideoFound = Awaited<ReturnType<typeof work>>;

serveThread<FileHost, VideoData>(work);

async function work(
  data: VideoData,
  { host, progress }: { host: FileHost; progress: (percent: number, message?: string) => void },
) {
  const { name, bytes } = data;
  using video = await openVideo({ name, bytes, read: (start, end) => host.read(start, end) });
  try {
    const found = await inspectVideo(video);
    const output =
      data.remux &&
      (await remuxVideo(video, found.duration_seconds, {
        ...data.remux,
        write: (piece, to) => host.write(piece, to),
        onProgress: progress,
      }));
    return { ...found, output };
  } catch (error) {
    throw damaged(name, "a video", error);
  }
}

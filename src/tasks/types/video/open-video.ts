/** Opens a video. Detects its format from the content and never reads the whole file into memory. */
import {
  CustomSource,
  Input,
  type InputAudioTrack,
  type InputTrack,
  type InputVideoTrack,
  MATROSKA,
  MP4,
  MPEG_TS,
  QTFF,
  WEBM,
} from "mediabunny";
import { Permanent } from "../../../errors.ts";
import { detectFileType } from "../../../files/sniff.ts";
import { damaged } from "../damaged.ts";
import { CACHE_BYTES, type Container, MAX_READ_BYTES, MAX_TRACKS } from "./limits.ts";

export interface VideoFile {
  readonly name: string;
  readonly bytes: number;
  read(start: number, end: number): Promise<Uint8Array>;
}

export interface Video extends Disposable {
  readonly file: VideoFile;
  readonly input: Input;
  readonly format: string;
  readonly tracks: readonly InputTrack[];
  readonly video: InputVideoTrack;
  readonly audio: InputAudioTrack | null;
}

const READ_BYTES = 2 ** 20;
const SAMPLE_BYTES = 4100;

/** Neither playlists, which refer to other files, nor audio formats. */
const FORMATS = [MP4, QTFF, WEBM, MATROSKA, MPEG_TS];
const CONTAINERS: Readonly<Record<string, Container | "ts">> = {
  MP4: "mp4",
  "QuickTime File Format": "mov",
  WebM: "webm",
  Matroska: "mkv",
  "MPEG Transport Stream": "ts",
};

/** @throws Permanent `unsupported_format`, `damaged` or `too_complex` */
export async function openVideo(file: VideoFile): Promise<Video> {
  const input = new Input({ formats: FORMATS, source: sourceOf(file) });
  try {
    if (!(await input.canRead())) throw await notAVideo(file);
    const { name } = await input.getFormat();
    const tracks = await input.getTracks();
    if (tracks.length > MAX_TRACKS) {
      throw new Permanent(
        "too_complex",
        `"${file.name}" has ${tracks.length} tracks. The limit is ${MAX_TRACKS}.`,
      );
    }
    if (tracks.length === 0) throw new Permanent("damaged", `"${file.name}" is ${name} but has no tracks.`);
    const video = await input.getPrimaryVideoTrack();
    if (!video) {
      throw new Permanent("unsupported_format", `"${file.name}" is ${name} but has no video track.`);
    }
    const audio = await input.getPrimaryAudioTrack();
    const format = CONTAINERS[name] ?? name;
    return { file, input, format, tracks, video, audio, [Symbol.dispose]: () => input.dispose() };
  } catch (error) {
    input.dispose();
    throw damaged(file.name, "a video", error);
  }
}

function sourceOf(file: VideoFile): CustomSource {
  return new CustomSource({
    getSize: () => file.bytes,
    maxCacheSize: CACHE_BYTES,
    // Each read is a query, so read ahead as over a network.
    prefetchProfile: "network",
    read: async (start, end) => {
      if (end - start > MAX_READ_BYTES) {
        const message = `"${file.name}" has a block of ${end - start} bytes. The limit is ${MAX_READ_BYTES}.`;
        throw new Permanent("too_complex", message);
      }
      const bytes = new Uint8Array(end - start);
      for (let at = start; at < end; at += READ_BYTES) {
        bytes.set(await file.read(at, Math.min(end, at + READ_BYTES)), at - start);
      }
      return bytes;
    },
    // The same error rejects the next read, which is awaited.
    handleUnhandledError: () => {},
  });
}

async function notAVideo(file: VideoFile): Promise<Permanent> {
  const sample = await file.read(0, Math.min(file.bytes, SAMPLE_BYTES));
  const type = await detectFileType(sample);
  const format = type ? `${type.ext.toUpperCase()} (${type.mime})` : "in an unknown format";
  const message = `The content of "${file.name}" is ${format}. Use MP4, MOV, WebM, Matroska or MPEG-TS.`;
  return new Permanent("unsupported_format", message);
}

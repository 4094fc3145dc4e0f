/** Opens a video: recognised by its content, read where it is needed, never whole. */
import { fileTypeFromBuffer } from "file-type";
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

/** No playlists: what they name is somewhere else. No sound alone. */
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
        `"${file.name}" has ${tracks.length} tracks; at most ${MAX_TRACKS} are read.`,
      );
    }
    if (tracks.length === 0) throw new Permanent("damaged", `"${file.name}" is ${name}, but has no track.`);
    const video = await input.getPrimaryVideoTrack();
    if (!video) {
      throw new Permanent(
        "unsupported_format",
        `"${file.name}" is ${name}, but has no video track, only sound.`,
      );
    }
    const audio = await input.getPrimaryAudioTrack();
    const format = CONTAINERS[name] ?? name;
    return { file, input, format, tracks, video, audio, [Symbol.dispose]: () => input.dispose() };
  } catch (error) {
    input.dispose();
    throw damaged(file.name, error);
  }
}

/** @returns what to throw where reading a video has failed with `cause` */
export function damaged(name: string, cause: unknown): Permanent {
  if (cause instanceof Permanent) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const message = `"${name}" can't be read as a video; it is damaged or cut off: ${said.slice(0, 300)}`;
  return new Permanent("damaged", message, { cause });
}

function sourceOf(file: VideoFile): CustomSource {
  return new CustomSource({
    getSize: () => file.bytes,
    maxCacheSize: CACHE_BYTES,
    // Each read is a query.
    prefetchProfile: "network",
    read: async (start, end) => {
      if (end - start > MAX_READ_BYTES) {
        const message = `"${file.name}" has a piece of ${end - start} bytes; at most ${MAX_READ_BYTES} are read at once.`;
        throw new Permanent("too_complex", message);
      }
      const bytes = new Uint8Array(end - start);
      for (let at = start; at < end; at += READ_BYTES) {
        bytes.set(await file.read(at, Math.min(end, at + READ_BYTES)), at - start);
      }
      return bytes;
    },
    // It also fails the next read, which is waited for.
    handleUnhandledError: () => {},
  });
}

async function notAVideo(file: VideoFile): Promise<Permanent> {
  const sample = await file.read(0, Math.min(file.bytes, SAMPLE_BYTES));
  // It throws where a file begins like a format and then breaks its rules.
  const type = await fileTypeFromBuffer(sample).catch(() => undefined);
  const shown = type ? `${type.ext.toUpperCase()} (${type.mime})` : "no format that is known";
  const message = `"${file.name}" is ${shown} by its content. A video is MP4, MOV, WebM, Matroska or MPEG-TS.`;
  return new Permanent("unsupported_format", message);
}

/** Reads the properties of a video. */
import { EncodedPacketSink, type InputAudioTrack, type InputTrack, type InputVideoTrack } from "mediabunny";
import { Permanent } from "../../../errors.ts";
import type { Video } from "./open-video.ts";

/** Packets that are read to estimate a frame rate or bit rate. */
const PROBED_PACKETS = 1000;
const MAX_TAG_CHARS = 1000;
/** A file counts as cut off if it ends before its stated duration by more than both limits. */
const MAX_MISSING_SECONDS = 1;
const MAX_MISSING_SHARE = 0.05;

/** @throws Permanent `damaged` if the end of the video is missing */
export async function inspectVideo({ file, input, format, tracks, video, audio }: Video) {
  const stated = await input.getDurationFromMetadata();
  const end = await endOf(video);
  if (end === null) {
    const message = `"${file.name}" is cut off or damaged: its last frame cannot be read. Upload the complete file.`;
    throw new Permanent("damaged", message);
  }
  const found = Math.max(end, (audio && (await endOf(audio))) ?? 0);
  if (stated !== null && stated - found > Math.max(MAX_MISSING_SECONDS, stated * MAX_MISSING_SHARE)) {
    const message = `"${file.name}" is cut off: it ends after ${round(found)} s instead of ${round(stated)} s. Upload the complete file.`;
    throw new Permanent("damaged", message);
  }
  const duration = Math.max(found, stated ?? 0);
  return {
    container: format,
    mime_type: await input.getMimeType(),
    duration_seconds: round(duration),
    bytes: file.bytes,
    bit_rate: duration > 0 ? Math.round((8 * file.bytes) / duration) : null,
    video: await describeVideo(video),
    audio: audio && (await describeAudio(audio)),
    tracks: await Promise.all(tracks.map(describeTrack)),
    metadata: await readTags(input),
  };
}

/** Reads the last packet itself, because an index at the start of a file does not reveal that its end is missing. */
async function endOf(track: InputTrack): Promise<number | null> {
  const packet = await new EncodedPacketSink(track).getPacket(Number.POSITIVE_INFINITY);
  return packet && packet.timestamp + packet.duration;
}

async function describeVideo(track: InputVideoTrack) {
  const { bestGuessFrameRate, frameRateIsConstant } = await track.computeFrameRateMetrics({
    targetPacketCount: PROBED_PACKETS,
  });
  return {
    ...(await codecOf(track)),
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
    coded_width: await track.getCodedWidth(),
    coded_height: await track.getCodedHeight(),
    rotation: await track.getRotation(),
    frame_rate: bestGuessFrameRate > 0 ? round(bestGuessFrameRate) : null,
    frame_rate_is_constant: frameRateIsConstant,
    bit_rate: await bitRateOf(track),
  };
}

async function describeAudio(track: InputAudioTrack) {
  return {
    ...(await codecOf(track)),
    channels: await track.getNumberOfChannels(),
    sample_rate: await track.getSampleRate(),
    bit_rate: await bitRateOf(track),
  };
}

async function describeTrack(track: InputTrack) {
  const name = await track.getName();
  return {
    number: track.id,
    type: track.type,
    ...(await codecOf(track)),
    language: (await track.getLanguageCode()).slice(0, 20),
    name: name ? name.slice(0, MAX_TAG_CHARS) : null,
  };
}

/** `codec` is null if the library does not know it. */
async function codecOf(track: InputTrack) {
  return { codec: await track.getCodec(), codec_parameters: await track.getCodecParameterString() };
}

async function bitRateOf(track: InputTrack): Promise<number | null> {
  const { averageBitrate } = await track.computePacketStats(PROBED_PACKETS);
  return Number.isFinite(averageBitrate) && averageBitrate > 0 ? Math.round(averageBitrate) : null;
}

async function readTags(input: Video["input"]): Promise<Record<string, string | number>> {
  const { title, description, artist, album, genre, date, comment } = await input.getMetadataTags();
  const isDate = date && !Number.isNaN(date.getTime());
  const tags = {
    title,
    description,
    artist,
    album,
    genre,
    comment,
    date: isDate ? date.toISOString() : undefined,
  };
  return Object.fromEntries(
    Object.entries(tags).flatMap(([name, value]) => (value ? [[name, value.slice(0, MAX_TAG_CHARS)]] : [])),
  );
}

export function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}

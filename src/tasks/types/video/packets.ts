/** The packets of a track from one time to another, as they are to be decoded. */
import { type EncodedPacket, EncodedPacketSink, type InputTrack } from "mediabunny";

/** So many packets may come between one and another that is shown before it. H.264 and H.265 allow 16. */
const MAX_REORDERED = 16;

/** Where a video can begin: at the key frame at or before `seconds`, or at its first one. */
export async function keyFrameAt(track: InputTrack, seconds: number): Promise<EncodedPacket | null> {
  const sink = new EncodedPacketSink(track);
  const options = { metadataOnly: true };
  return (await sink.getKeyPacket(seconds, options)) ?? (await sink.getFirstKeyPacket(options));
}

/**
 * All that belongs to what is shown from `start` to before `end`. `start` is a key frame's time where the track has
 * others than key packets.
 */
export async function* packetsBetween(
  track: InputTrack,
  start: number,
  end: number,
): AsyncGenerator<EncodedPacket> {
  const sink = new EncodedPacketSink(track);
  const isVideo = track.isVideoTrack();
  let first = isVideo ? await sink.getKeyPacket(start) : await sink.getPacket(start);
  first ??= isVideo ? await sink.getFirstKeyPacket() : await sink.getFirstPacket();
  if (!first) return;
  // Shown later than `end`, but others that are shown before it may need them.
  let late: EncodedPacket[] = [];
  let latest = first;
  for await (const packet of sink.packets(first)) {
    latest = packet;
    // What is shown before the key frame that it begins with needs what comes before that.
    if (packet.timestamp < start) continue;
    if (packet.timestamp < end) {
      yield* late;
      late = [];
      yield packet;
    } else {
      late.push(packet);
      if (!isVideo || packet.type === "key" || late.length > MAX_REORDERED) return;
    }
  }
  const last = await sink.getPacket(Number.POSITIVE_INFINITY, { metadataOnly: true });
  if (last && last.sequenceNumber > latest.sequenceNumber) {
    throw new Error(`what comes after ${latest.timestamp} s in track ${track.id} can't be read`);
  }
}

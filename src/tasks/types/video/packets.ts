/** Selects the packets of a time range, in decoding order. */
import { type EncodedPacket, EncodedPacketSink, type InputTrack } from "mediabunny";

/** A packet can precede up to this many packets that are shown earlier. H.264 and H.265 allow 16. */
const MAX_REORDERED = 16;

/** The key frame at or before `seconds`, or else the first key frame. A video can only start at a key frame. */
export async function keyFrameAt(track: InputTrack, seconds: number): Promise<EncodedPacket | null> {
  const sink = new EncodedPacketSink(track);
  const options = { metadataOnly: true };
  return (await sink.getKeyPacket(seconds, options)) ?? (await sink.getFirstKeyPacket(options));
}

/**
 * Yields all packets that are needed to show the range from `start` to `end` (exclusive). For video, `start` must be the
 * time of a key frame.
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
  // Packets that are shown after `end`. They are yielded only if a later packet, shown before `end`, needs them.
  let late: EncodedPacket[] = [];
  let latest = first;
  for await (const packet of sink.packets(first)) {
    latest = packet;
    // Packets that are shown before the first key frame need packets before it, which are not copied.
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
    throw new Error(`The packets after ${latest.timestamp} s of track ${track.id} cannot be read.`);
  }
}

/** The offsets of time zones. Intl knows the rules of all zones, those of the past and those of the future. */
import { LRUCache } from "lru-cache";

/** A formatter takes about 50 kB. There are about 600 zones. */
const formats = new LRUCache<string, Intl.DateTimeFormat>({ max: 200 });

/** Intl also accepts offsets such as `+02:00`, which no country keeps all year. */
const NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/;

/** Whether the text is the name of a time zone, such as `Europe/Berlin`. */
export function isTimeZone(name: string): boolean {
  if (!NAME.test(name)) return false;
  try {
    return formatOf(name) !== undefined;
  } catch {
    return false;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  formats.set(zone, format);
  return format;
}

const OFFSET = /GMT(?:(?<sign>[+-])(?<hours>\d\d):(?<minutes>\d\d)(?::(?<seconds>\d\d))?)?$/;

/** Returns by how many milliseconds the clocks of the zone are ahead of UTC. */
export function offsetAt(zone: string, instant: number): number {
  if (zone === "UTC") return 0;
  const shown = formatOf(zone).format(instant);
  const { sign, hours = 0, minutes = 0, seconds = 0 } = OFFSET.exec(shown)?.groups ?? {};
  const offset = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === "-" ? -offset : offset;
}

import { describe, UsageError } from "../shared/errors.ts";

/** A time zone: how many milliseconds local time is ahead of UTC. */
export interface TimeZone {
  readonly name: string;
  /** At a moment, in milliseconds since 1970 UTC. */
  offset(moment: number): number;
}

/** Milliseconds. */
export const DAY = 86_400_000;

/** Offsets change on whole quarters of an hour everywhere. */
const QUARTER = 15 * 60_000;

/**
 * @param name "UTC", or a name of the IANA data base, such as "Europe/Berlin"
 * @throws UsageError "unknown-time-zone"
 */
export function timeZone(name: string): TimeZone {
  if (name === "UTC") return { name, offset: () => 0 };
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      ...{ timeZone: name, hourCycle: "h23", era: "short" },
      ...{ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" },
    });
  } catch (cause) {
    throw new UsageError(
      "unknown-time-zone",
      `time zone: expected UTC or a name such as Europe/Berlin, got ${describe(name)}`,
      { cause },
    );
  }
  const known = new Map<number, number>();
  return {
    name,
    offset(moment) {
      const quarter = Math.floor(moment / QUARTER);
      let offset = known.get(quarter);
      if (offset === undefined) {
        const at = quarter * QUARTER;
        const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
        offset = Date.UTC(part.year!, part.month! - 1, part.day!, part.hour!, part.minute!, part.second!) - at;
        known.set(quarter, offset);
      }
      return offset;
    },
  };
}

/** What clocks and calendars there show, as if it were UTC: read its parts with `getUTC…`. */
export const wallClock = (moment: number, zone: TimeZone): number => moment + zone.offset(moment);

/** What is said of a moment: 2024-01-31, or 2024-01-31 10:00 where the clock shows more than a day. */
export function localTime(moment: number, zone: TimeZone): string {
  const [day, clock] = new Date(wallClock(moment, zone)).toISOString().split("T") as [string, string];
  return clock.startsWith("00:00:00") ? day : `${day} ${clock.slice(0, 5)}`;
}

/**
 * The same for counting days: where clocks are put forward, the moment that they jump to is the one that they jump from. A day that has no
 * midnight (in Chile, Egypt or Lebanon one a year) begins there.
 */
export function dayClock(moment: number, zone: TimeZone): number {
  return Math.min(wallClock(moment, zone), wallClock(moment - 1, zone) + 1);
}

/**
 * The moments at which clocks there show a time: one; two in the hour that is repeated when clocks are put back; for a time that is left out when they are put
 * forward, the moment as many minutes after the jump.
 */
export function momentsOf(shown: number, zone: TimeZone): readonly [number, ...number[]] {
  const offsets = [...new Set([zone.offset(shown - DAY), zone.offset(shown + DAY)])];
  const moments = offsets.map((offset) => shown - offset).filter((moment) => wallClock(moment, zone) === shown);
  const [first, ...rest] = moments.sort((a, b) => a - b);
  return first === undefined ? [shown - offsets[0]!] : [first, ...rest];
}

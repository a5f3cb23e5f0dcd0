import type { TimeSeries } from "./time-series.ts";
import { lengthOf, type TimeStep } from "./time-step.ts";
import { type TimeZone, wallClock } from "./time-zone.ts";

const [HOUR, DAY] = [3_600_000, 86_400_000];

/** Also before 1970. */
const within = (shown: number, round: number): number => shown / round - Math.floor(shown / round);

/** Rounds of the calendar, each with the share of it that has passed, from what clocks show. */
const ROUNDS = {
  minute: { length: HOUR, passed: (shown: number) => within(shown, HOUR) },
  hour: { length: DAY, passed: (shown: number) => within(shown, DAY) },
  weekday: { length: 7 * DAY, passed: (shown: number) => ((new Date(shown).getUTCDay() + 6) % 7) / 7 },
  monthday: { length: 30 * DAY, passed: (shown: number) => (new Date(shown).getUTCDate() - 1) / 31 },
  yearday: {
    length: 365 * DAY,
    passed(shown: number) {
      const year = new Date(shown).getUTCFullYear();
      return (shown - Date.UTC(year, 0)) / (Date.UTC(year + 1, 0) - Date.UTC(year, 0));
    },
  },
} as const;

export type CalendarRound = keyof typeof ROUNDS;
export const CALENDAR_ROUNDS = Object.keys(ROUNDS) as readonly CalendarRound[];

/** Rounds that are taken where none is asked for: of days of the month too little can be learned. */
const USUAL: readonly CalendarRound[] = ["minute", "hour", "weekday", "yearday"];

/** Rounds that have at least two steps and were gone through twice in what is learned from: what happens once may happen for any reason. */
export function usualRounds(train: readonly TimeSeries[], step: TimeStep): CalendarRound[] {
  const spans = train.map(({ times }) => (times!.length > 0 ? times!.at(-1)! - times![0]! : 0));
  const span = Math.max(0, ...spans) + lengthOf(step);
  return USUAL.filter(
    (name) => ROUNDS[name].length >= 2 * lengthOf(step) * 0.99 && 2 * ROUNDS[name].length <= span * 1.02,
  );
}

/** Sine and cosine of where in each round a moment is. */
export function calendarFeatures(moment: number, rounds: readonly CalendarRound[], zone: TimeZone): number[] {
  const shown = wallClock(moment, zone);
  return rounds.flatMap((name) => {
    const angle = 2 * Math.PI * ROUNDS[name].passed(shown);
    return [Math.sin(angle), Math.cos(angle)];
  });
}

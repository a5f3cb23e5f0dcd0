import type { TimeSeries } from "./time-series.ts";
import { lengthOf, type TimeStep } from "./time-step.ts";
import { DAY, type TimeZone, wallClock } from "./time-zone.ts";

const HOUR = DAY / 24;

/** The share of a cycle that has passed, also before 1970. */
const within = (shown: number, round: number): number => shown / round - Math.floor(shown / round);

/** Cycles of the calendar: length in milliseconds, what they are of, and the share of the cycle that has passed at a wall-clock time. */
const ROUNDS = {
  minute: { length: HOUR, words: "the hour", passed: (shown: number) => within(shown, HOUR) },
  hour: { length: DAY, words: "the day", passed: (shown: number) => within(shown, DAY) },
  weekday: {
    ...{ length: 7 * DAY, words: "the week, in whole days from Monday" },
    passed: (shown: number) => ((new Date(shown).getUTCDay() + 6) % 7) / 7,
  },
  monthday: {
    ...{ length: 30 * DAY, words: "a month of 31 days, in whole days" },
    passed: (shown: number) => (new Date(shown).getUTCDate() - 1) / 31,
  },
  yearday: {
    ...{ length: 365 * DAY, words: "the year" },
    passed(shown: number) {
      const year = new Date(shown).getUTCFullYear();
      return (shown - Date.UTC(year, 0)) / (Date.UTC(year + 1, 0) - Date.UTC(year, 0));
    },
  },
} as const;

/** Rounds of the calendar that a forecaster can be told its place in: "hour", "weekday", "yearday", … */
export type CalendarRound = keyof typeof ROUNDS;
export const CALENDAR_ROUNDS = Object.keys(ROUNDS) as readonly CalendarRound[];

/** What a round of the calendar goes through, in words. */
export const roundInWords = (round: CalendarRound): string => ROUNDS[round].words;

/** Cycles that are considered by default; too little can be learned about days of the month. */
const DEFAULTS: readonly CalendarRound[] = ["minute", "hour", "weekday", "yearday"];

/** Cycles of at least two steps that the training part covers at least twice: what happens once may happen for any reason. */
export function defaultRounds(train: readonly TimeSeries[], step: TimeStep): CalendarRound[] {
  const spans = train.map(({ times }) => (times!.length > 0 ? times!.at(-1)! - times![0]! : 0));
  const span = Math.max(0, ...spans) + lengthOf(step);
  return DEFAULTS.filter(
    (name) => ROUNDS[name].length >= 2 * lengthOf(step) * 0.99 && 2 * ROUNDS[name].length <= span * 1.02,
  );
}

/** Sine and cosine of the phase of a moment in each cycle. */
export function calendarFeatures(moment: number, rounds: readonly CalendarRound[], zone: TimeZone): number[] {
  const shown = wallClock(moment, zone);
  return rounds.flatMap((name) => {
    const angle = 2 * Math.PI * ROUNDS[name].passed(shown);
    return [Math.sin(angle), Math.cos(angle)];
  });
}

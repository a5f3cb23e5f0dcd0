import { describe, UsageError } from "../shared/errors.ts";
import { DAY, dayClock, momentsOf, type TimeZone } from "./time-zone.ts";

/** The time between two steps of a series: a number of units. Days and months are those of the calendar in a time zone. */
export interface TimeStep {
  readonly count: number;
  readonly unit: "millisecond" | "day" | "month";
  /** Of months: whether each step is the last day of one. Default: the day of the first step, or the last one of months that are shorter. */
  readonly ends?: boolean | undefined;
}

/** From the smallest of a kind to the largest. */
const UNITS: Readonly<Record<string, TimeStep & { readonly word: string }>> = {
  ms: { count: 1, unit: "millisecond", word: "a millisecond" },
  s: { count: 1000, unit: "millisecond", word: "a second" },
  min: { count: 60_000, unit: "millisecond", word: "a minute" },
  h: { count: 3_600_000, unit: "millisecond", word: "an hour" },
  d: { count: 1, unit: "day", word: "a day" },
  w: { count: 7, unit: "day", word: "a week" },
  mo: { count: 1, unit: "month", word: "a month" },
  q: { count: 3, unit: "month", word: "a quarter" },
  y: { count: 12, unit: "month", word: "a year" },
};

/** @param text "15min", "1h", "1d", "1w", "1mo", "1q", "1y" @throws UsageError "bad-step" */
export function parseStep(text: string): TimeStep {
  const [, digits = "", name = ""] = /^(\d{1,6})\s*([a-z]{1,3})$/.exec(text) ?? [];
  const unit = Object.hasOwn(UNITS, name) ? UNITS[name] : undefined;
  if (unit && Number(digits) > 0) return { count: Number(digits) * unit.count, unit: unit.unit };
  throw new UsageError(
    "bad-step",
    `step: expected a number and one of ${Object.keys(UNITS).join(", ")}, such as 15min or 1d, got ${describe(text)}`,
  );
}

/** As `parseStep` reads it, in the largest unit that fits. */
export function formatStep(step: TimeStep): string {
  const [name, { count }] = largestUnit(step);
  return `${step.count / count}${name}`;
}

/** The same in words: "an hour", "15 minutes". */
export function stepInWords(step: TimeStep): string {
  const [, { count, word }] = largestUnit(step);
  const times = step.count / count;
  return times === 1 ? word : `${times} ${word.replace(/^an? /, "")}s`;
}

const largestUnit = ({ count, unit }: TimeStep): [string, { readonly count: number; readonly word: string }] =>
  Object.entries(UNITS).findLast(([, one]) => one.unit === unit && count % one.count === 0)!;

/** Length in milliseconds; months have their mean length. */
export const lengthOf = ({ count, unit }: TimeStep): number =>
  unit === "millisecond" ? count : unit === "day" ? count * DAY : (count * 365.2425 * DAY) / 12;

/** The season of steps of this length: a day of hours, a week of days, a year of months; 1 where there is no common one. */
export function defaultSeason({ count, unit }: TimeStep): number {
  if (unit === "month") return Math.max(1, Math.round(12 / count));
  if (unit === "day") return count === 1 ? 7 : count === 7 ? 52 : 1;
  return DAY % count === 0 ? Math.max(1, DAY / count) : 1;
}

/** The position of a moment on the grid of steps from `anchor`: it grows by 1 from step to step, and is whole on the grid. */
export function positionOf(moment: number, anchor: number, step: TimeStep, zone: TimeZone): number {
  const { count, unit } = step;
  if (unit === "millisecond") return (moment - anchor) / count;
  const [at, from] = [dayClock(moment, zone), dayClock(anchor, zone)];
  if (unit === "day") return (at - from) / (count * DAY);
  const months = monthOf(at) - monthOf(from);
  return (months + (at - inMonth(from, months, step)) / (31 * DAY)) / count;
}

/** The moment so many steps after another one. */
export function after(anchor: number, steps: number, step: TimeStep, zone: TimeZone): number {
  const { count, unit } = step;
  if (unit === "millisecond") return anchor + steps * count;
  const from = dayClock(anchor, zone);
  return momentsOf(unit === "day" ? from + steps * count * DAY : inMonth(from, steps * count, step), zone)[0];
}

/** Months since January 1970. */
function monthOf(shown: number): number {
  const date = new Date(shown);
  return 12 * (date.getUTCFullYear() - 1970) + date.getUTCMonth();
}

const daysIn = (month: number): number => new Date(Date.UTC(1970, month + 1, 0)).getUTCDate();

/** What clocks show at the step of the month so many months later. */
function inMonth(shown: number, months: number, { ends = false }: TimeStep): number {
  const month = monthOf(shown) + months;
  const day = Math.min(ends ? 31 : new Date(shown).getUTCDate(), daysIn(month));
  return Date.UTC(1970, month, day) + (shown - Math.floor(shown / DAY) * DAY);
}

const isLast = (shown: number): boolean => new Date(shown).getUTCDate() === daysIn(monthOf(shown));

/** The most common distance between neighbours of ascending times, as a step; undefined for fewer than two. */
export function commonStep(series: readonly ArrayLike<number>[], zone: TimeZone): TimeStep | undefined {
  const counts = new Map<number, number>();
  let [days, months, ends] = [true, true, true];
  for (const moments of series) {
    const anchor = moments.length > 0 ? dayClock(moments[0]!, zone) : 0;
    ends &&= isLast(anchor);
    for (let k = 1; k < moments.length; k++) {
      const [before, at] = [dayClock(moments[k - 1]!, zone), dayClock(moments[k]!, zone)];
      const apart = moments[k]! - moments[k - 1]!;
      if (apart === 0) continue;
      counts.set(apart, (counts.get(apart) ?? 0) + 1);
      days &&= (at - before) % DAY === 0;
      ends &&= isLast(at);
      months &&= at === inMonth(anchor, monthOf(at) - monthOf(anchor), { count: 1, unit: "month" });
    }
  }
  const [most] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
  if (!most) return undefined;
  // The same day of each month or the last one, and nothing closer than a month.
  if ((months || (ends && days)) && Math.min(...counts.keys()) >= 27.9 * DAY)
    return { count: Math.round(most[0] / (30.44 * DAY)), unit: "month", ...(!months && { ends }) };
  return days ? { count: Math.round(most[0] / DAY), unit: "day" } : { count: most[0], unit: "millisecond" };
}

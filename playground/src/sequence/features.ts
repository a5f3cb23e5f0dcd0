import type { Band } from "longshort/components";
import { unitsThatFollow } from "longshort/explain";
import { say } from "../language.ts";
import { JUDGED } from "./order.ts";

/** Something in a text that a unit may follow. */
export type Feature = "brackets" | "quotes" | "line" | "words";

export const featureTitle = (feature: Feature): string =>
  ({
    brackets: say("open brackets", "未闭合的括号"),
    quotes: say("quotation marks", "引号之内"),
    line: say("the place in the line", "在行内的位置"),
    words: say("words", "单词之内"),
  })[feature];

export const FEATURES: readonly Feature[] = ["brackets", "quotes", "line", "words"];

/** The feature as a number at each step: what holds once the token was read. */
const counters: Readonly<Record<Feature, () => (token: string) => number>> = {
  brackets: () => {
    let depth = 0;
    return (token) => {
      if ("([{".includes(token)) depth++;
      else if (")]}".includes(token)) depth = Math.max(0, depth - 1);
      return depth;
    };
  },
  quotes: () => {
    let inside = 0;
    return (token) => {
      // A quotation does not reach beyond its line.
      if (token === "\n") inside = 0;
      else if (token === '"' || token === "`") inside = 1 - inside;
      return inside;
    };
  },
  line: () => {
    let place = 0;
    return (token) => {
      place = token === "\n" ? 0 : place + 1;
      return place;
    };
  },
  words: () => (token) => (/^[\p{L}\p{N}_]/u.test(token) ? 1 : 0),
};

export interface Follower {
  readonly feature: Feature;
  readonly band: number;
  readonly unit: number;
  /** Of the unit's values with the feature. */
  readonly correlation: number;
}

/** The unit of a state, c or h, that follows a feature of the text most closely; undefined where the text has nothing of it. */
export function follower(feature: Feature, tokens: readonly string[], bands: readonly Band[]): Follower | undefined {
  const count = counters[feature]();
  const labels = tokens.slice(0, JUDGED).map((token) => (token === "" ? 0 : count(token)));
  const found = bands.flatMap(({ name, units, data }, band): Follower[] => {
    if (name !== "c" && name !== "h") return [];
    const [best] = unitsThatFollow({ shape: [labels.length, 1, units], data }, labels);
    return best && best.correlation !== 0 ? [{ feature, band, ...best }] : [];
  });
  return found.sort((a, b) => Math.abs(b.correlation) - Math.abs(a.correlation))[0];
}

import type { RunStory } from "./run-story.ts";

/** A setting that is not the same in all runs, with its value in each; undefined where a run does not have it. */
export interface Difference {
  readonly setting: string;
  readonly values: readonly unknown[];
}

export function differencesOf(stories: readonly RunStory[]): Difference[] {
  const names = [...new Set(stories.flatMap(({ settings }) => Object.keys(settings)))];
  return names
    .map((setting) => ({ setting, values: stories.map(({ settings }) => settings[setting]) }))
    .filter(({ values }) => new Set(values.map((value) => JSON.stringify(value))).size > 1);
}

/** A setting's value for a table. */
export function printed(value: unknown): string {
  if (value === undefined) return "–";
  if (Array.isArray(value)) return value.map(printed).join(" ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

import { dayOf, duration } from "../format.ts";
import { makerText } from "./maker.ts";
import type { KeptTrial } from "./records.ts";
import { markdownOf, type TaskStory } from "./tables.ts";

export interface PageFacts {
  readonly command: string;
  readonly date: Date;
  readonly trials: readonly KeptTrial[];
}

/** The results as a page of Markdown. */
export function pageOf(stories: readonly TaskStory[], { command, date, trials }: PageFacts): string {
  const makers = [...new Set(trials.map(({ madeBy }) => makerText(madeBy)))].join("; ");
  const parts = [
    "# The proof of long memory",
    `\`${command}\``,
    `${dayOf(date)}, ${makers}: ${duration(cpuSecondsOf(trials))} of CPU time. Sequences to criterion: median (least – most) of the trials that met it, counted when the test sequences were evaluated.`,
    ...stories.map(markdownOf),
  ];
  return `${parts.join("\n\n")}\n`;
}

export const cpuSecondsOf = (trials: readonly KeptTrial[]): number =>
  trials.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);

import { VERSION } from "../../shared/version.ts";
import { dayOf, duration } from "../format.ts";
import { processor } from "../processor.ts";
import { markdownOf, type TaskStory } from "./tables.ts";

export interface PageFacts {
  readonly command: string;
  readonly date: Date;
  readonly cpuSeconds: number;
}

/** The results as a page of Markdown. */
export function pageOf(stories: readonly TaskStory[], { command, date, cpuSeconds }: PageFacts): string {
  const parts = [
    "# The proof of long memory",
    `\`${command}\``,
    `${dayOf(date)}, longshort ${VERSION}, Node ${process.versions.node}, ${processor()}: ${duration(cpuSeconds)} of CPU time. Sequences to criterion: median (least – most) of the trials that met it, counted when the test sequences were evaluated.`,
    ...stories.map(markdownOf),
  ];
  return `${parts.join("\n\n")}\n`;
}

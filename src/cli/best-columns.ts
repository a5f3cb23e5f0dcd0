import type { Best, RunStory } from "./run-story.ts";

/** What came of runs: the best of the metric that decided, where that is not the loss; the loss; what it was measured on, and when. */
export interface BestColumns {
  readonly heads: readonly string[];
  readonly cells: (story: RunStory) => readonly string[];
}

export function bestColumns(stories: readonly RunStory[]): BestColumns {
  const decided = stories.some(({ best }) => best !== undefined && best.metric !== "loss");
  const heads = [...(decided ? ["best"] : []), "loss", "of", "epoch"];
  return {
    heads,
    cells({ best }) {
      if (best === undefined) return heads.map((_, k) => (k === 0 ? "–" : ""));
      const { metric, value, loss, of, epoch } = best;
      return [...(decided ? [`${metric} ${value.toFixed(4)}`] : []), loss?.toFixed(4) ?? "", of, String(epoch)];
    },
  };
}

/** The smaller, the better; comparable between runs of the same metric. */
export const rankOf = ({ mode, value }: Best): number => (mode === "max" ? -value : value);

/** The runs that none is better than; none of runs that were not judged by the same metric. */
export function winnersOf(stories: readonly RunStory[]): readonly RunStory[] {
  const judged = stories.filter(({ best }) => best !== undefined);
  if (new Set(judged.map(({ best }) => best!.metric)).size !== 1) return [];
  const least = Math.min(...judged.map(({ best }) => rankOf(best!)));
  return judged.filter(({ best }) => rankOf(best!) === least);
}

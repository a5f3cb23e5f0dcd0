import type { StreamDecoder } from "../text/tokenizer.ts";
import type { RecentTokens } from "./recent-tokens.ts";
import { draw, penalizeRepetition, sampleUniform } from "./sample.ts";
import { StopStrings } from "./stop-strings.ts";
import type { WritingPlan } from "./write-options.ts";

/** Why a text ended. */
export type WriteEnd = "length" | "stop" | "end-token" | "aborted";

/** A text so far. */
export interface TextState {
  /** Has decoded the text. */
  decoder: StreamDecoder;
  recent: RecentTokens;
  /** Number of tokens that were written to it, on which draws depend. */
  position: number;
}

interface NextToken {
  readonly token: number;
  /** The text that is settled by now: what may become a stop string, or part of a character, comes later. */
  readonly text: string;
  /** Undefined: the text goes on. */
  readonly end: Exclude<WriteEnd, "aborted"> | undefined;
}

/** Continues a text, token by token, with samples from the logits of a model. */
export class Continuation {
  readonly #plan: WritingPlan;
  readonly #state: TextState;
  readonly #stop: StopStrings;
  #written = 0;

  constructor(plan: WritingPlan, state: TextState) {
    this.#plan = plan;
    this.#state = state;
    this.#stop = new StopStrings(plan.stop);
  }

  /** Samples the next token. Not to be called after `end`. */
  next(logits: ArrayLike<number>): NextToken {
    const { length, seed, penalty, window, sampling, ends } = this.#plan;
    const { decoder, recent } = this.#state;
    const penalized = penalizeRepetition(logits, recent.within(window), penalty);
    const token = draw(penalized, sampling, sampleUniform(seed, this.#state.position++));
    recent.push(token);
    this.#written += 1;
    const isEnd = ends.has(token);
    const isLast = isEnd || this.#written === length;
    // What was held back comes with the last token.
    const piece = (isEnd ? "" : decoder.push(token)) + (isLast ? decoder.end() : "");
    const { text, stopped } = this.#stop.push(piece);
    return {
      token,
      text: text + (isLast && !stopped ? this.#stop.end() : ""),
      end: stopped ? "stop" : isEnd ? "end-token" : isLast ? "length" : undefined,
    };
  }
}

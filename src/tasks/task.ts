import type { RandomStream } from "../shared/random.ts";

/** One sequence of a task, and what is to be said of it. */
export interface TaskSequence {
  /** T */
  readonly steps: number;
  /** [T · D] */
  readonly inputs: Float64Array;
  /** [T]: 1 where an answer is asked for. */
  readonly asked: Uint8Array;
  /** [T] numbers of classes or numbers to predict, [T · C] sets of symbols as zeros and ones; without meaning where nothing is asked. */
  readonly answers: Float64Array;
  /** [T · C] zeros and ones: what may come next, where the answer is only one of the possible ones. */
  readonly possible?: Uint8Array;
}

/**
 * What is learned and when it counts as right.
 *
 * - "number": a number; the error of a model is its mean squared error.
 * - "class": one of C classes; a sequence is right when each answer has more than `confidence` of the probability.
 * - "next": the symbol that comes next, one of several possible ones; a sequence is right when at each step the possible ones, and
 *   no others, are the most active.
 * - "set": all symbols that may come next; a sequence is right when at each step these, and no others, have a probability above a half.
 *
 * The error of the last three is the error rate: the share of sequences that are not right.
 */
export type TaskKind = "number" | "class" | "next" | "set";

/** A synthetic task whose answers lie far back: endless sequences, each a function of a stream of random numbers. */
export interface Task {
  readonly name: string;
  /** In one sentence. */
  readonly about: string;
  /** Who posed it, where. */
  readonly source: string;
  readonly kind: TaskKind;
  /** D */
  readonly inputSize: number;
  /** C */
  readonly outputSize: number;
  /** The error of the model that knows the distribution but remembers nothing. */
  readonly chance: number;
  readonly criterion: {
    /** What is asked for, in words, with its source. */
    readonly text: string;
    /** A trial has succeeded when its error on the test sequences is not above it. */
    readonly error: number;
    /** For "class"; default 0.5. */
    readonly confidence?: number;
  };
  sequence(random: RandomStream): TaskSequence;
  /** Of a language with strings of any size: its string of size n, to see how far what was learned carries. */
  readonly ofSize?: (n: number) => TaskSequence;
}

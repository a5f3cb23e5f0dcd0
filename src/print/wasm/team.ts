import type { ModuleBuilder } from "./assembler.ts";
import type { Code } from "./code.ts";
import { doWhile, drop, if_, select, smaller, unreachable, whileTrue } from "./control.ts";
import { atomic, i32 } from "./instructions.ts";

/**
 * The threads that perform code together. All run the same code and each takes its share, which is always a part of the
 * results and never a part of a sum: how many there are changes no bit.
 */
export interface Team {
  readonly threads: number;
  /** The number of this thread, from 0 (the one that issues). */
  readonly thread: Code;
  /** Waits until all are here: what any of them wrote before it, all may read and write over behind it. */
  readonly barrier: Code;
}

/** One thread that does everything. */
export const solo: Team = { threads: 1, thread: i32.const(0), barrier: [] };

/** What a thread takes of a row of things: from `from` on, up to and without `to`. */
export interface Share {
  readonly from: Code;
  readonly to: Code;
}

/** This thread's share of as many things as running code finds. */
export function shareOf({ threads, thread }: Team, count: Code): Share {
  const start = (number: Code): Code => i32.div_u(i32.mul(number, count), i32.const(threads));
  return threads === 1
    ? { from: i32.const(0), to: count }
    : { from: start(thread), to: start(i32.add(thread, i32.const(1))) };
}

/** This thread's share of `count` things, in multiples of `grain` but for the end. */
export function share(team: Team, count: number, grain = 1): Share {
  if (team.threads === 1) return { from: i32.const(0), to: i32.const(count) };
  const { from, to } = shareOf(team, i32.const(Math.ceil(count / grain)));
  if (grain === 1) return { from, to };
  const end = i32.mul(to, i32.const(grain));
  return { from: i32.mul(from, i32.const(grain)), to: smaller(end, i32.const(count)) };
}

/** The grains in the largest share over those in a mean one: 1 when all have the same to do. */
export const unevenness = ({ threads }: Team, count: number, grain = 1): number => {
  const grains = Math.ceil(count / grain);
  return grains === 0 ? 1 : (Math.ceil(grains / threads) * threads) / grains;
};

/** What the first thread does alone. Others do not wait for it. */
export const alone = ({ threads, thread }: Team, code: Code): Code =>
  threads === 1 ? code : if_(i32.eqz(thread), code);

/** The words that a barrier is made of: addresses, each in a cache line of its own, 0 at first. */
export interface BarrierWords {
  readonly arrived: number;
  readonly generation: number;
  readonly sleepers: number;
  /** Not 0: a thread has stopped with an error, and the others are to stop too instead of waiting for it. */
  readonly stopped: number;
}

/**
 * Looks at the generation before a thread goes to sleep: some ten µs and more, as long as shares of a time step differ. Sleep costs a virtual
 * machine that much again. On two cores of a Sapphire Rapids 10,000 looks were too few: a training step of `forecast` took 7.8 ms and 3.3 with
 * 30,000 (4.4 on one thread), `sequence-256` 6.1 and 4.4; 200,000 give no more, and take processors from others that are busy.
 */
const SPINS = 30_000;
/** In nanoseconds. */
const SECOND = 1_000_000_000n;

/**
 * All threads that run the module. The first one waits at most `patience` seconds for the others at a barrier, then it stops: a thread that has died
 * comes no more, and nothing else would tell. Only seconds that go by are counted, so that it may be late itself.
 */
export function teamOf(m: ModuleBuilder, words: BarrierWords, patience: number): Team {
  const { threads, thread } = m;
  if (threads === 1) return solo;
  const load = (word: number): Code => atomic.load(i32.const(word));
  const add = (word: number, value: number): Code => atomic.add(i32.const(word), i32.const(value));
  // A function of its own: the first compiler of Node 20 forgets what locals hold where they are needed behind this instruction.
  const sleep = m.func({ params: ["i32"] }, (_, generation) =>
    drop(atomic.wait(i32.const(words.generation), generation.get, SECOND)),
  );
  const barrier = m.func({ params: [] }, (f) => {
    const [generation, left] = [f.local("i32"), f.local("i32")];
    const count = left.set(i32.sub(left.get, i32.const(1)));
    const isWaiting = i32.eq(load(words.generation), generation.get);
    const stopIfAsked = if_(load(words.stopped), unreachable);
    const open: Code = [
      atomic.store(i32.const(words.arrived), i32.const(0)),
      drop(add(words.generation, 1)),
      // Whoever goes to sleep says so first and then looks at the generation once more; so nobody is forgotten.
      if_(load(words.sleepers), drop(atomic.notify(i32.const(words.generation)))),
    ];
    const wait: Code = [
      left.set(i32.const(SPINS)),
      doWhile(count, select(isWaiting, i32.const(0), left.get)),
      if_(isWaiting, [
        drop(add(words.sleepers, 1)),
        // From −1 down is as good as without end.
        left.set(select(i32.const(-1), i32.const(patience), thread)),
        whileTrue(isWaiting, [if_(i32.eqz(left.get), unreachable), sleep.call(generation.get), count]),
        drop(add(words.sleepers, -1)),
      ]),
      stopIfAsked,
    ];
    return [
      generation.set(load(words.generation)),
      stopIfAsked,
      if_(i32.eq(add(words.arrived, 1), i32.const(threads - 1)), open, wait),
    ];
  });
  return { threads, thread, barrier: barrier.call() };
}

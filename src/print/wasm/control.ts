import type { Code, Label, ValueType } from "./code.ts";
import { ELSE, structured, target, typeByte } from "./code.ts";
import { i32 } from "./instructions.ts";

/** A variable of a function. */
export interface Local {
  readonly type: ValueType;
  readonly get: Code;
  set(value: Code): Code;
  /** Sets and yields the value. */
  tee(value: Code): Code;
}

const NO_RESULT = 0x40;

/** A branch to its label goes to its end. */
export const block = (body: (end: Label) => Code): Code => structured([0x02, NO_RESULT], body);
/** A branch to its label goes to its start; without one it ends. */
export const loop = (body: (start: Label) => Code): Code => structured([0x03, NO_RESULT], body);
export const br = (label: Label): Code => [0x0c, target(label)];
export const br_if = (label: Label, condition: Code): Code => [condition, 0x0d, target(label)];
/** Stops the run with an error. */
export const unreachable = 0x00;
/** Without `result` the branches leave nothing on the stack. */
export const if_ = (condition: Code, then: Code, otherwise: Code = [], result?: ValueType): Code => [
  condition,
  structured([0x04, result ? typeByte[result] : NO_RESULT], () => [
    then,
    Array.isArray(otherwise) && otherwise.length === 0 ? [] : [ELSE, otherwise],
  ]),
];
/** `condition ? a : b`, both being computed. For v128 use `v128.bitselect`, or `if_` with a result. */
export const select = (a: Code, b: Code, condition: Code): Code => [a, b, condition, 0x1b];
/** Of two unsigned numbers, both being computed twice. */
export const smaller = (a: Code, b: Code): Code => select(a, b, i32.lt_u(a, b));
export const larger = (a: Code, b: Code): Code => select(b, a, i32.lt_u(a, b));
export const drop = (a: Code): Code => [a, 0x1a];

/**
 * `for (i = from; i < to; i += step) body`, unsigned. `to` and `step` are computed again at every turn: constants or locals.
 * After the loop `i` is the first number not below `to` (`from`, when there was no turn). `to + step` must not pass 2³².
 */
export function forRange(i: Local, from: Code, to: Code, step: number | Code, body: Code): Code {
  const next = i32.add(i.get, typeof step === "number" ? i32.const(step) : step);
  return [
    i.set(from),
    if_(
      i32.lt_u(i.get, to),
      loop((start) => [body, br_if(start, i32.lt_u(i.tee(next), to))]),
    ),
  ];
}

/** `do body while (condition)`. */
export const doWhile = (body: Code, condition: Code): Code => loop((start) => [body, br_if(start, condition)]);

/** `while (condition) body`. */
export const whileTrue = (condition: Code, body: Code): Code =>
  block((end) => loop((start) => [br_if(end, i32.eqz(condition)), body, br(start)]));

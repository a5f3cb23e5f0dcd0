import { abs, add, div, equal, less, mul, neg, select, sub } from "../../math/expression.ts";
import { isHost, type Value } from "../value.ts";
import type { Recorder } from "./recorder.ts";

/** Beyond it every number of float32 is whole, and whole numbers of 32 bits end. */
const ALL_WHOLE = 2 ** 30;

/** The largest whole number that is not above each element. Machines cut fractions off, which is it for positive ones. */
export function floor(recorder: Recorder, x: Value): Value {
  if (isHost(x)) return recorder.known([x], Math.floor, x.type);
  const cut = recorder.cast(recorder.cast(x, "int32"), x.type);
  return recorder.pointwise(
    [x, cut],
    (a, whole) => select(less(abs(a), ALL_WHOLE), select(less(a, whole), sub(whole, 1), whole), a),
    x.type,
  );
}

export function ceil(recorder: Recorder, x: Value): Value {
  const negative = (value: Value): Value => recorder.pointwise([value], neg, x.type);
  return isHost(x) ? recorder.known([x], Math.ceil, x.type) : negative(floor(recorder, negative(x)));
}

/** To the nearest whole number, halves to the even one. */
export function round(recorder: Recorder, x: Value): Value {
  if (isHost(x))
    return recorder.known([x], (a) => (Math.abs(a % 1) === 0.5 ? 2 * Math.round(a / 2) : Math.round(a)), x.type);
  const low = floor(recorder, x);
  const half = floor(
    recorder,
    recorder.pointwise([low], (a) => div(a, 2), x.type),
  );
  return recorder.pointwise(
    [x, low, half],
    (a, below, halved) => {
      const [rest, above] = [sub(a, below), add(below, 1)];
      const nearest = select(equal(mul(2, halved), below), below, above);
      return select(less(rest, 0.5), below, select(less(0.5, rest), above, nearest));
    },
    x.type,
  );
}

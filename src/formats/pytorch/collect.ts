import { PyTorchConstant, type Value } from "./constants.ts";
import { isName } from "./pickle.ts";
import { quote, refuse } from "./refuse.ts";
import { TensorView } from "./storage.ts";

const MAX_DEPTH = 100;
const MAX_VISITS = 1_000_000;

/**
 * All tensors of a value under the names of the way to them, joined by dots: `{"model": {"rnn.weight_ih_l0": t}}` gives
 * `model.rnn.weight_ih_l0`; members of lists count from 0. A tensor that is the whole value is named "". Something that
 * holds itself is entered once.
 *
 * @throws FailureError "bad-pytorch" when two ways give the same name, or there is no end of ways
 */
export function collectTensors(value: Value): Map<string, TensorView> {
  const tensors = new Map<string, TensorView>();
  const above = new Set<Value>();
  let visits = 0;

  function visit(current: Value, path: readonly string[]): void {
    if (++visits > MAX_VISITS) refuse(`it refers to its own parts more than ${MAX_VISITS} times`);
    if (current instanceof TensorView) {
      const name = path.join(".");
      if (tensors.has(name)) refuse(`two tensors in it are named ${quote(name)}`);
      tensors.set(name, current);
    } else if (isName(current) && !(current instanceof PyTorchConstant)) {
      refuse(`it holds a reference to ${current.pickleName}, which is not data`);
    } else if (typeof current === "object" && current !== null && !above.has(current)) {
      if (path.length > MAX_DEPTH) refuse(`it is nested more than ${MAX_DEPTH} deep`);
      above.add(current);
      for (const [key, child] of children(current)) visit(child, [...path, key]);
      above.delete(current);
    }
  }

  visit(value, []);
  return tensors;
}

function* children(value: Value): Generator<[key: string, child: Value]> {
  if (value instanceof Map) for (const [key, child] of value) yield [keyOf(key), child];
  else if (Array.isArray(value) || value instanceof Set) {
    let index = 0;
    for (const child of value) yield [String(index++), child];
  }
}

function keyOf(key: Value): string {
  return Array.isArray(key) ? `(${key.filter((part) => typeof part !== "object").join(", ")})` : String(key);
}

import { isHost, type Value } from "../../value.ts";
import type { NodeContext, Operator } from "../node.ts";

/** The branch that the condition chooses is recorded, the other one does not exist for the plan. */
const branch: Operator = (node) => {
  const [condition] = node.hostNumbers(0);
  return node.branch(condition ? "then_branch" : "else_branch");
};

/**
 * What goes from one turn of a body to the next is no tensor of the file any more, though it may begin as one: it must not
 * become a parameter under the name that the same node has in every turn.
 */
const carried = (value: Value): Value => (isHost(value) ? { ...value, constant: false, name: undefined } : value);

/** The body is recorded once a turn; how often it turns must follow from shapes and constants. */
const loop: Operator = (node) => {
  const { recorder } = node;
  const turns = node.has(0) ? node.hostNumbers(0)[0]! : Number.POSITIVE_INFINITY;
  let going = node.has(1) ? node.hostNumbers(1)[0] !== 0 : true;
  let values = node.inputs.slice(2).map((_, k) => carried(node.input(k + 2)));
  const scans: Value[][] = [];
  for (let turn = 0; going && turn < turns; turn++) {
    const number: Value = { type: "int64", shape: [], data: [turn], constant: false };
    const condition: Value = { type: "bool", shape: [], data: [1], constant: false };
    const [next, ...rest] = node.branch("body", [number, condition, ...values]);
    values = rest.slice(0, values.length).map(carried);
    rest.slice(values.length).forEach((value, k) => {
      scans[k] ??= [];
      scans[k].push(recorder.reshape(carried(value), [1, ...value.shape]));
    });
    if (!next || !isHost(next)) throw node.neededOnHost("whether its body goes on");
    going = next.data[0] !== 0;
  }
  const count = node.graphAttribute("body").outputs.length - 1 - values.length;
  if (scans.length < count) throw node.fail("its body is never run, so that the shape of what it gathers is not known");
  return [...values, ...scans.map((parts) => recorder.concatenate(parts, 0))];
};

/** A body over the elements of an axis of some inputs; recorded once an element. */
const scan: Operator = (node) => {
  const { recorder } = node;
  if (node.opset < 9) throw node.fail("Scan of operator set 8 (with a batch axis); export with 9 or later");
  const scanned = node.number("num_scan_inputs", 0);
  const stateCount = node.inputs.length - scanned;
  if (!(scanned >= 1 && stateCount >= 0))
    throw node.fail(`num_scan_inputs is ${scanned} of ${node.inputs.length} inputs`);
  const outputs = node.graphAttribute("body").outputs.length - stateCount;
  if (outputs < 0) throw node.fail(`its body gives ${outputs + stateCount} values for ${stateCount} states`);
  const list = (name: string, count: number): readonly number[] => {
    const given = node.numbers(name) ?? new Array<number>(count).fill(0);
    if (given.length !== count) throw node.fail(`${name} has ${given.length} numbers for ${count} values`);
    return given;
  };
  const sources = node.inputs.slice(stateCount).map((_, k) => carried(node.input(stateCount + k)));
  const axes = list("scan_input_axes", scanned).map((axis, k) => node.axis(axis, sources[k]!.shape.length));
  const backwards = list("scan_input_directions", scanned);
  const count = sources[0]!.shape[axes[0]!]!;
  sources.forEach((source, k) => {
    if (source.shape[axes[k]!] !== count) throw node.fail(`it scans axes of ${count} and ${source.shape[axes[k]!]}`);
  });
  if (count === 0) throw node.fail("there is nothing to scan");
  let states = node.inputs.slice(0, stateCount).map((_, k) => carried(node.input(k)));
  const gathered: Value[][] = Array.from({ length: outputs }, () => []);
  for (let turn = 0; turn < count; turn++) {
    const elements = sources.map((source, k) => {
      const at = backwards[k] === 1 ? count - 1 - turn : turn;
      const shape = source.shape.filter((_, axis) => axis !== axes[k]);
      return carried(recorder.reshape(recorder.slice(source, axes[k]!, at, 1), shape));
    });
    const result = node.branch("body", [...states, ...elements]);
    states = result.slice(0, stateCount).map(carried);
    gathered.forEach((parts, k) => {
      parts.push(carried(result[stateCount + k]!));
    });
  }
  const outputAxes = list("scan_output_axes", outputs);
  const outputBackwards = list("scan_output_directions", outputs);
  return [...states, ...gathered.map((parts, k) => stacked(node, parts, outputAxes[k]!, outputBackwards[k] === 1))];
};

function stacked(node: NodeContext, parts: readonly Value[], given: number, backwards: boolean): Value {
  const axis = node.axis(given, parts[0]!.shape.length + 1);
  const ordered = backwards ? [...parts].reverse() : parts;
  const withAxis = ordered.map((p) => node.recorder.reshape(p, [...p.shape.slice(0, axis), 1, ...p.shape.slice(axis)]));
  return node.recorder.concatenate(withAxis, axis);
}

export const control: Readonly<Record<string, Operator>> = { If: branch, Loop: loop, Scan: scan };

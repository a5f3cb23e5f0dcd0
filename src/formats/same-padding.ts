/** Steps of padding before and after, by the rule that TensorFlow calls "same" and ONNX SAME_UPPER: the odd one comes last. */
export function samePadding(steps: number, span: number, stride: number): [before: number, after: number] {
  const total = Math.max(0, (Math.ceil(steps / stride) - 1) * stride + span - steps);
  return [Math.floor(total / 2), Math.ceil(total / 2)];
}

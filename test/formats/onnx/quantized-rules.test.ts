import { expect, test } from "vitest";
import { openReference } from "../../../src/compute/reference/machine.ts";
import type { DataType } from "../../../src/formats/data-type.ts";
import { GraphWriter } from "../../../src/formats/onnx/graph-writer.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";

/*
 * 8-bit operators beside their definition in numbers, in the forms that ONNX Runtime does not compute: a scale or zero point for each row of
 * the left side, and what may be left out.
 */
const values = (count: number, low: number, step: number) =>
  Array.from({ length: count }, (_, k) => low + ((k * step) % 97));
const [M, K, N] = [2, 3, 4];
const A = values(M * K, 10, 31);
const B = values(K * N, -40, 23);
const [scaleA, zeroA] = [
  [0.5, 0.25],
  [60, 7],
];
const [scaleB, zeroB] = [
  [0.5, 2, 0.25, 1],
  [3, -5, 0, 8],
];
const C = [5, -7, 11, 2];

/** Σ (a − zero of its row) (b − zero of its column) for every row and column, then `then` of it. */
function products(zeros: "zeros" | "none", then = (sum: number, _i: number, _j: number): number => sum): number[] {
  const of = (list: number[], k: number): number => (zeros === "zeros" ? list[k]! : 0);
  return Array.from({ length: M * N }, (_, at) => {
    const [i, j] = [Math.floor(at / N), at % N];
    const sum = Array.from({ length: K }, (_, k) => (A[i * K + k]! - of(zeroA, i)) * (B[k * N + j]! - of(zeroB, j)));
    return then(
      sum.reduce((a, b) => a + b),
      i,
      j,
    );
  });
}
const scaled = (sum: number, i: number, j: number): number => sum * scaleA[i]! * scaleB[j]!;
/** Halves to even numbers. */
const round = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));
const clamped = (x: number, low: number, high: number): number => Math.min(Math.max(x, low), high);

/** What one node of constants gives; an input is a type, a shape and numbers, or nothing. */
type Given = readonly [type: DataType, shape: readonly number[], data: readonly number[]] | undefined;
async function run(op: string, inputs: readonly Given[], attributes = {}, outputs: readonly DataType[] = ["float32"]) {
  const g = new GraphWriter();
  const names = inputs.map((given, k) =>
    given ? g.tensor(`i${k}`, given[0], { shape: given[1], data: given[2] }) : "",
  );
  const [name, domain] = op.split(":").reverse();
  g.node(
    name!,
    names,
    outputs.map((_, k) => `y${k}`),
    attributes,
    domain,
  );
  for (const [k, type] of outputs.entries()) g.output(`y${k}`, type);
  using machine = openReference();
  using program = openOnnx(g.finish("rules"), { machine });
  const results = await program.run({});
  return outputs.map((_, k) => Array.from(results[`y${k}`]!.data));
}

const a: Given = ["uint8", [M, K], A];
const b: Given = ["int8", [K, N], B];
const rows = (data: readonly number[], type: DataType = "float32"): Given => [type, [M], data];
const columns = (data: readonly number[], type: DataType = "float32"): Given => [type, [N], data];
const one = (n: number, type: DataType = "float32", shape: readonly number[] = []): Given => [type, shape, [n]];
const zerosA = rows(zeroA, "uint8");
const zerosB = columns(zeroB, "int8");

test("MatMulInteger, with and without zero points", async () => {
  expect(await run("MatMulInteger", [a, b, zerosA, zerosB], {}, ["int32"])).toEqual([products("zeros")]);
  expect(await run("MatMulInteger", [a, b], {}, ["int32"])).toEqual([products("none")]);
});

test("QLinearMatMul, a scale for each row and column, of the type of its zero point", async () => {
  const [scaleY, zeroY] = [
    [4, 2],
    [5, -3],
  ];
  const expected = products("zeros", (sum, i, j) =>
    clamped(round(scaled(sum, i, j) / scaleY[i]!) + zeroY[i]!, -128, 127),
  );
  const inputs = [a, rows(scaleA), zerosA, b, columns(scaleB), zerosB, rows(scaleY), rows(zeroY, "int8")];
  expect(await run("QLinearMatMul", inputs, {}, ["int8"])).toEqual([expected]);
  const whole = products("none", (sum) => clamped(round(sum / 8), 0, 255));
  const plain = [a, one(1), undefined, b, one(1), undefined, one(8, "float32", [1])];
  expect(await run("QLinearMatMul", plain, {}, ["uint8"])).toEqual([whole]);
});

test("MatMulIntegerToFloat and DynamicQuantizeMatMul, with and without a bias", async () => {
  const op = "com.microsoft:MatMulIntegerToFloat";
  const inputs = [a, b, rows(scaleA), columns(scaleB), zerosA, zerosB];
  expect(await run(op, inputs)).toEqual([products("zeros", scaled)]);
  expect(await run(op, [...inputs, columns(C)])).toEqual([products("zeros", (s, i, j) => scaled(s, i, j) + C[j]!)]);
  const x: Given = ["float32", [1, 2], [0, 255]];
  const w: Given = ["int8", [2, 1], [3, -4]];
  const dynamic = [x, w, one(0.5), one(-1, "int8")];
  expect(await run("com.microsoft:DynamicQuantizeMatMul", dynamic)).toEqual([[255 * -3 * 0.5]]);
  expect(await run("com.microsoft:DynamicQuantizeMatMul", [...dynamic, one(7, "float32", [1])])).toEqual([
    [255 * -3 * 0.5 + 7],
  ]);
});

test("QGemm, turned or not, with fractions where the result has no scale", async () => {
  const op = "com.microsoft:QGemm";
  const turned: Given = [
    "int8",
    [N, K],
    Array.from({ length: N * K }, (_, at) => B[(at % K) * N + Math.floor(at / K)]!),
  ];
  const [aScale, aZero] = [one(0.5), one(60, "uint8")];
  const expected = (alpha: number, bias: boolean) =>
    Array.from({ length: M * N }, (_, at) => {
      const [i, j] = [Math.floor(at / N), at % N];
      const terms = Array.from({ length: K }, (_, k) => (A[i * K + k]! - 60) * (B[k * N + j]! - zeroB[j]!));
      return alpha * 0.5 * scaleB[j]! * (terms.reduce((x, y) => x + y) + (bias ? C[j]! : 0));
    });
  const first = [a, aScale, aZero];
  expect(await run(op, [...first, b, columns(scaleB), zerosB])).toEqual([expected(1, false)]);
  const bias = columns(C, "int32");
  const attributes = { transB: 1, alpha: 2 };
  expect(await run(op, [...first, turned, columns(scaleB), zerosB, bias], attributes)).toEqual([expected(2, true)]);
  const bytes = expected(1, true).map((x) => clamped(round(x / 16) + 9, 0, 255));
  const result = [one(16), one(9, "uint8")];
  expect(await run(op, [...first, b, columns(scaleB), zerosB, bias, ...result], {}, ["uint8"])).toEqual([bytes]);
});

test("QuantizeLinear keeps to the range of its type, DynamicQuantizeLinear knows zeros", async () => {
  const x: Given = ["float32", [2], [-1e6, 1e6]];
  for (const [type, low, high] of [
    ["int8", -128, 127],
    ["uint8", 0, 255],
    ["int16", -32768, 32767],
    ["uint16", 0, 65535],
  ] as const)
    expect(await run("QuantizeLinear", [x, one(1), one(0, type)], {}, [type])).toEqual([[low, high]]);
  expect(await run("QuantizeLinear", [x, one(1)], {}, ["uint8"])).toEqual([[0, 255]]);
  const dynamic = (data: number[]) =>
    run("DynamicQuantizeLinear", [["float32", [2], data]], {}, ["uint8", "float32", "uint8"]);
  expect(await dynamic([0, 0])).toEqual([[0, 0], [1], [0]]);
  expect(await dynamic([255, 51])).toEqual([[255, 51], [1], [0]]);
  expect(await dynamic([-255, -51])).toEqual([[0, 204], [1], [255]]);
  await expect(run("QuantizeLinear", [x, one(1), one(0, "int32")])).rejects.toThrow("numbers of type int32");
  await expect(run("DequantizeLinear", [a, columns(scaleB)])).rejects.toThrow(
    "4 scales or zero points for an axis of 3",
  );
});

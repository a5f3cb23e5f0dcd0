import { expect, expectTypeOf, test } from "vitest";
import { SafeTensor, safeTensor } from "../../src/checkpoint/safe-tensor.ts";
import { openReference } from "../../src/compute/reference/machine.ts";
import { add } from "../../src/tensor/arithmetic.ts";
import { compile } from "../../src/tensor/executable.ts";
import { Graph } from "../../src/tensor/graph.ts";

/*
 * Since TypeScript 5.7 an array of numbers says what memory it lies in, and one that may be shared with threads is neither put into a Blob nor
 * handed to a worker. What the library gives is a copy in memory of its own, and its type says so.
 */

test("numbers that are read go into a Blob and to a worker as they are", async () => {
  const machine = openReference();
  const graph = new Graph({ machine });
  const x = graph.input("x", [3]);
  graph.output("twice", add(x, x));
  using executable = await compile(graph, { machine });
  executable.write("x", [1, 2, 3]);
  executable.run();
  const { twice } = await executable.readAll(["twice"]);
  expectTypeOf(twice.buffer).toEqualTypeOf<ArrayBuffer>();
  expect(new Blob([twice]).size).toBe(3 * twice.BYTES_PER_ELEMENT);
  structuredClone(twice, { transfer: [twice.buffer] });
  expect(twice.length).toBe(0);
  expect(await executable.read("twice")).toEqual(Float64Array.of(2, 4, 6));
  machine.close();
});

test("so do numbers of a file, though it lies in shared memory", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(8));
  bytes.set(safeTensor("F32", [2], [1, 2]).bytes);
  const tensor = new SafeTensor("F32", [2], bytes);
  for (const numbers of [tensor.toFloat32(), tensor.toFloat64(), tensor.toInt32()]) {
    expectTypeOf(numbers.buffer).toEqualTypeOf<ArrayBuffer>();
    expect(numbers.buffer).toBeInstanceOf(ArrayBuffer);
    expect([...numbers]).toEqual([1, 2]);
  }
});

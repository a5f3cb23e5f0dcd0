import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openMachine } from "../../../src/compute/open.ts";
import { openOnnx } from "../../../src/formats/onnx/program.ts";
import { LongshortError } from "../../../src/shared/errors.ts";
import { size } from "../../../src/shared/shapes.ts";
import { bytesOf, foldersIn } from "../../support/onnx-data-sets.ts";

const root = fileURLToPath(new URL("../../golden/", import.meta.url));
const manifest: { file: string; expect: "refuse" | "harmless" | "either" }[] = JSON.parse(
  readFileSync(`${root}hostile/manifest.json`, "utf8"),
);

/** Opens a file and runs it once on zeros, names that stand for sizes being 2. */
async function runOnce(bytes: Uint8Array): Promise<void> {
  const machine = await openMachine("reference");
  try {
    using program = openOnnx(bytes, { machine });
    const inputs = program.inputs.map(({ name, shape = [] }) => {
      const sizes = shape.map((n) => (typeof n === "number" ? n : 2));
      if (!(size(sizes) < 1e5)) throw new LongshortError("too-large", "an input too large for this test");
      return [name, { shape: sizes, data: new Float64Array(size(sizes)) }] as const;
    });
    await program.run(Object.fromEntries(inputs));
  } finally {
    machine.close();
  }
}

describe("hostile and broken ONNX files", () => {
  const cases = manifest.filter(({ file }) => file.startsWith("onnx/"));
  test("are there", () => {
    expect(cases.length).toBeGreaterThan(10);
  });
  test.each(cases.map((c) => [c.file, c.expect] as const))("%s: %s", async (file, expected) => {
    const started = performance.now();
    const result = runOnce(bytesOf(`${root}hostile/${file}`));
    if (expected === "refuse") await expect(result).rejects.toThrow(LongshortError);
    else if (expected === "harmless") await result;
    else await result.catch((error: unknown) => expect(error).toBeInstanceOf(LongshortError));
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test("bits flipped and files cut short end in a named error or a result, never otherwise", async () => {
    const folder = `${root}torch-onnx/`;
    let refused = 0;
    let number = 12345;
    const random = (below: number): number => {
      number = (Math.imul(number, 1103515245) + 12345) >>> 0;
      return Math.floor((number / 2 ** 32) * below);
    };
    for (const name of foldersIn(folder))
      for (let round = 0; round < 12; round++) {
        const bytes = bytesOf(`${folder}${name}/model.onnx`);
        // Structure lies before and after the weights; most flips inside weights change nothing but numbers.
        for (let k = 0; k < 3; k++) bytes[random(Math.min(bytes.length, 2000))]! ^= 1 << random(8);
        const cut = round % 4 === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
        await runOnce(cut).catch((error: unknown) => {
          expect(error, `${name} round ${round}`).toBeInstanceOf(LongshortError);
          refused++;
        });
      }
    expect(refused).toBeGreaterThan(20);
  });
});

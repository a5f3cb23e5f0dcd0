import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { cellNames } from "../../src/cells/registry.ts";
import * as root from "../../src/index.ts";
import { optimizerNames } from "../../src/optimizers/registry.ts";
import { trainingFields } from "../../src/schema/training.ts";
import { lawCells } from "../support/recurrent-cells.ts";

/* A built-in cell or optimizer is a file of its own, and a name in a few lists: whoever adds the file is told of the lists. */

/** The functions that are called like their file and need nothing to be given: `minLstm` of `min-lstm.ts`. */
async function makersIn(
  folder: string,
): Promise<[file: string, name: string, make: () => { readonly name: string }][]> {
  const place = new URL(`../../src/${folder}/`, import.meta.url);
  const makers = readdirSync(place).map(async (file) => {
    const name = file.replace(/\.ts$/, "").replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    const make = (await import(/* @vite-ignore */ new URL(file, place).href))[name];
    return typeof make === "function" && make.length === 0 ? [[`src/${folder}/${file}`, name, make]] : [];
  });
  return (await Promise.all(makers)).flat() as never;
}

describe("every file that makes one is in the lists", async () => {
  test.each(await makersIn("cells"))("%s", (_, name, make) => {
    expect(root, "src/index.ts exports it").toHaveProperty(name);
    expect(cellNames, "src/cells/registry.ts: --cell and files know it").toContain(make().name);
    const laws = lawCells.map((one) => one.make().name);
    expect(laws, "test/support/recurrent-cells.ts: the laws are tried on it").toContain(make().name);
  });

  test.each(await makersIn("optimizers"))("%s", (_, name) => {
    expect(root, "src/index.ts exports it").toHaveProperty(name);
    expect(optimizerNames, "src/optimizers/registry.ts").toContain(name);
    const names: unknown = expect.arrayContaining([name]);
    expect(trainingFields.optimizer.kind, "src/schema/training.ts: --optimizer knows it").toMatchObject({ names });
  });

  test("and there are some", async () => {
    expect((await makersIn("cells")).length).toBe(cellNames.length);
    // adamW lies beside adam.
    expect((await makersIn("optimizers")).length).toBe(optimizerNames.length - 1);
  });
});

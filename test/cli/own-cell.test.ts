import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-own-cell-"));
const at = (name: string): string => join(folder, name);
const equations = `# what is kept is not what is shown
weight p = 0.1
f = sigmoid(W_f x + U_f h[t-1] + p * c[t-1])
c = f * c[t-1] + (1 - f) * W_n x
h = tanh(c)
`;
const small = ["--hidden-size", "6", "--epochs", "1", "-q"];
const tasks: Readonly<Record<string, readonly string[]>> = {
  text: [at("t.txt")],
  classify: [at("c.csv")],
  tag: [at("g.conll"), "--no-characters"],
  forecast: [at("f.csv"), "--target", "y", "--horizon", "2", "--context", "8", "--no-baselines"],
};

const ran = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await longshort(argv);
  expect(code, stderr).toBe(0);
  return stdout;
};

beforeAll(() => {
  writeFileSync(at("cell.txt"), equations);
  writeFileSync(at("t.txt"), "hello world, hello words\n".repeat(12));
  const rows = Array.from({ length: 30 }, (_, k) => (k % 2 ? "good and fine,yes\n" : "bad and poor,no\n"));
  writeFileSync(at("c.csv"), `text,label\n${rows.join("")}`);
  writeFileSync(at("g.conll"), "the O\ncat B-PET\n\nwe O\ngo O\n\n".repeat(12));
  const steps = Array.from({ length: 90 }, (_, k) => `${(k % 7) + Math.sin(k)}\n`);
  writeFileSync(at("f.csv"), `y\n${steps.join("")}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(Object.entries(tasks))("a cell of one's own in a run of train %s", (task, argv) => {
  const [run, file] = [at(task), at(`${task}.onnx`)];

  test("is trained, told of, and goes on without its file", async () => {
    const own = at(`${task}.txt`);
    writeFileSync(own, equations);
    await ran("train", task, ...argv, "--cell-file", own, ...small, "-o", run);
    expect(JSON.parse(readFileSync(join(run, "config.json"), "utf8")).model.cell.options.text).toBe(equations);
    expect(await ran("info", run)).toContain("c = f * c[t-1] + (1 - f) * W_n x; h = tanh(c)");
    rmSync(own);
    await ran("resume", run, "--epochs", "2", "-q");
  });

  test("becomes ONNX, which says the same, 8 bits and one file", async () => {
    expect(await ran("convert", run, file)).toMatch(/both run on random input/);
    await ran("verify", run, file, "--tolerance", "1e-5");
    expect(await ran("info", file)).toMatch(/scan\w*: Scan with .*previous\.h.*previous\.c/);
    await ran("quantize", run);
    await ran("pack", run);
  });

  test("is refused by formats of layers, with what can be done", async () => {
    for (const name of ["m.keras", "m.pt"]) {
      const { code, stderr } = await longshort(["convert", run, at(name)]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/cell of your own.*ONNX has any cell/);
    }
  });
});

test("equations that cannot be read are told by file, line and column, before anything is trained", async () => {
  writeFileSync(at("wrong.txt"), "h = tanh(W_h x + U_h h[t-1]\n");
  const { code, stderr } = await longshort([
    "train",
    "text",
    at("t.txt"),
    "--cell-file",
    at("wrong.txt"),
    ...small,
    "-o",
    at("no"),
  ]);
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/wrong\.txt: line 1, column \d+/);
});

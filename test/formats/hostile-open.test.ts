import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Outcome } from "./hostile-child.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const hostile = join(root, "test/golden/hostile");
const manifest: { file: string; expect: "refuse" | "harmless" | "either"; note: string }[] = JSON.parse(
  readFileSync(join(hostile, "manifest.json"), "utf8"),
);
const all = (): string[] => readdirSync(hostile, { recursive: true, encoding: "utf8" }).sort();
const before = all();
const folder = mkdtempSync(join(tmpdir(), "hostile-"));
const bundle = join(folder, "child.mjs");

beforeAll(async () => {
  await build({
    entryPoints: [join(root, "test/formats/hostile-child.ts")],
    outfile: bundle,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    alias: { "#platform": join(root, "src/platform/node.ts") },
    logLevel: "error",
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const inChild = promisify(execFile);

describe("hostile files, each opened and run in a process of its own", () => {
  test("are 62", () => expect(manifest).toHaveLength(62));

  test.each(manifest)("$file ($note): $expect", async ({ file, expect: wanted }) => {
    const path = join(hostile, file);
    // The clock of a busy machine says little; this is for what hangs.
    const { stdout } = await inChild(process.execPath, [bundle, path], { timeout: 30_000 });
    const { error, touched, seconds, bytes, prototypes }: Outcome = JSON.parse(stdout);
    expect(seconds).toBeLessThan(2);
    expect(bytes).toBeLessThan(512 * 2 ** 20);
    expect(prototypes).toBe("as before");
    // A model of TensorFlow.js names its file of weights, one of ONNX those of its tensors, which may be in its own folder alone.
    const named = file.endsWith(".model.json")
      ? ["weights.bin", "short.bin"]
      : /external/.test(file)
        ? ["control_ok.onnx"]
        : [];
    const own = [path, ...named.map((name) => join(dirname(path), name))];
    expect(touched).toContain(path);
    expect(touched.filter((target) => !own.includes(target))).toEqual([]);
    if (error) expect(error.code, error.message).toBeDefined();
    if (wanted === "refuse") expect(error).toBeDefined();
    // Bytes without a header are no model, and say so; every other file without fault is read.
    if (wanted === "harmless") expect(error?.code).toBe(file.endsWith(".bin") ? "unknown-format" : undefined);
  });

  afterAll(() => {
    expect(existsSync("/tmp/LONGSHORT_PWNED")).toBe(false);
    expect(all()).toEqual(before);
  });
});

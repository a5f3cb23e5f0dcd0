import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bytesSource } from "../../../src/formats/byte-source.ts";
import { writeHdf5 } from "../../../src/formats/hdf5/write.ts";
import { readKeras, readKerasTensors } from "../../../src/formats/keras/read.ts";
import { readTensorFlowJs } from "../../../src/formats/tfjs/read.ts";
import { LongshortError } from "../../../src/shared/errors.ts";

const folder = fileURLToPath(new URL("../../golden/hostile/", import.meta.url));
const manifest: { file: string; expect: "refuse" | "harmless" | "either"; note: string }[] = JSON.parse(
  readFileSync(`${folder}manifest.json`, "utf8"),
);
const models = manifest.filter(({ file }) => /^keras\/.*(json|keras|h5)$/.test(file));

test.each(models)("$file ($note): $expect", async ({ file, expect: wanted }) => {
  const start = performance.now();
  const memory = process.memoryUsage().rss;
  const path = folder + file;
  const error = await (file.endsWith(".json") ? readTensorFlowJs(path) : readKeras(path)).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(performance.now() - start).toBeLessThan(2000);
  expect(process.memoryUsage().rss - memory).toBeLessThan(512 * 2 ** 20);
  if (wanted === "refuse") expect(error).toBeInstanceOf(LongshortError);
  if (wanted === "harmless") expect(error).toBeUndefined();
  expect(existsSync("/tmp/LONGSHORT_PWNED")).toBe(false);
});

test("weights shorter than the manifest says are refused", async () => {
  const input = readFileSync(`${folder}keras/control_ok.model.json`);
  const files = { "weights.bin": readFileSync(`${folder}keras/short.bin`) };
  await expect(readTensorFlowJs(input, { files })).rejects.toMatchObject({ code: "damaged-keras" });
  await expect(readTensorFlowJs(input, { files: {} })).rejects.toMatchObject({ code: "missing-file" });
});

test("foreign classes are named, not looked for", async () => {
  await expect(readKeras(`${folder}keras/module_os.keras`)).rejects.toMatchObject({
    code: "unsupported-keras",
    message: expect.stringContaining('"system" of module "os" is not Keras\' own'),
  });
});

test("a file of another kind is refused", async () => {
  await expect(readKeras(bytesSource(new TextEncoder().encode("hello")))).rejects.toMatchObject({
    code: "damaged-keras",
  });
  await expect(readKeras(new Uint8Array())).rejects.toMatchObject({ code: "damaged-keras" });
});

test("a group that is a member of itself, by a name that is empty, ends the walk through all arrays", async () => {
  const file = writeHdf5({ members: new Map([["", { members: new Map() }]]) });
  await expect(readKerasTensors(bytesSource(file))).rejects.toMatchObject({
    ...{ code: "damaged-keras", message: expect.stringContaining("reached twice") },
  });
});

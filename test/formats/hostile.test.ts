import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { openSafetensors } from "../../src/checkpoint/safetensors-file.ts";
import { openBytes } from "../../src/formats/byte-source.ts";
import { readNpy } from "../../src/formats/npy.ts";
import { readNpz } from "../../src/formats/npz.ts";
import { readPyTorch } from "../../src/formats/pytorch/read.ts";
import { LongshortError } from "../../src/shared/errors.ts";

const folder = fileURLToPath(new URL("../golden/hostile/", import.meta.url));
const manifest: { file: string; expect: "refuse" | "harmless" | "either"; note: string }[] = JSON.parse(
  readFileSync(`${folder}manifest.json`, "utf8"),
);

async function readAll(path: string): Promise<void> {
  if (path.endsWith(".npy")) await readNpy(path);
  else if (path.endsWith(".npz")) await readNpz(path);
  else if (path.endsWith(".pt")) {
    const file = await readPyTorch(path);
    for (const tensor of file.tensors.values()) await tensor.read();
    await file.close();
  } else {
    const source = await openBytes(path);
    try {
      const file = await openSafetensors(source);
      for (const name of file.entries.keys()) await file.read(name);
    } finally {
      await source.close();
    }
  }
}

// The files would leave this behind if anything in them ran.
const PWNED = "/tmp/LONGSHORT_PWNED";
const before = Object.getOwnPropertyNames(Object.prototype);

describe("hostile files", () => {
  test.each(manifest.filter(({ file }) => /^(pt|npy|safetensors)\//.test(file)))(
    "$file ($note): $expect",
    async ({ file, expect: wanted }) => {
      const start = performance.now();
      const memory = process.memoryUsage().rss;
      const error = await readAll(folder + file).then(
        () => undefined,
        (cause: unknown) => cause,
      );
      expect(performance.now() - start).toBeLessThan(2000);
      expect(process.memoryUsage().rss - memory).toBeLessThan(512 * 2 ** 20);
      if (wanted === "refuse") expect(error).toBeInstanceOf(LongshortError);
      if (wanted === "harmless") expect(error).toBeUndefined();
      if (error !== undefined) expect(error).toBeInstanceOf(LongshortError);
    },
  );

  test("keys that name prototypes stay keys", async () => {
    const arrays = await readNpz(`${folder}npy/proto.npz`);
    expect([...arrays.keys()]).toEqual(["__proto__", "constructor"]);
    const { value } = await readPyTorch(`${folder}pt/constructor_key.pt`);
    expect((value as Map<string, Map<string, unknown>>).get("constructor")!.has("prototype")).toBe(true);
  });

  test("a refusal says what the file asks for", async () => {
    await expect(readPyTorch(`${folder}pt/global_os_system.pt`)).rejects.toMatchObject({
      code: "bad-pytorch",
      message: expect.stringContaining('"os.system", which is not data'),
    });
  });

  afterAll(() => {
    expect(existsSync(PWNED)).toBe(false);
    expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
    expect(readdirSync(folder).sort()).toEqual(["keras", "manifest.json", "npy", "onnx", "pt", "safetensors"]);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it, vi } from "vitest";
import type { CorpusOptions } from "../../src/data/corpus.ts";
import { longshort } from "./fake-io.ts";

/** Which passes over the text the last command made. */
const passes = new Set<string>();

// Tokens are kept beside a run where memory does not hold them. Nobody waits in a test for 256 MiB of them: here two bytes are too many.
vi.mock("../../src/data/corpus.ts", async (original) => {
  const real = await original<typeof import("../../src/data/corpus.ts")>();
  return {
    ...real,
    openCorpus: (options: CorpusOptions) =>
      real.openCorpus({ ...options, memoryLimit: 2, onProgress: ({ pass }) => passes.add(pass) }),
  };
});

const folder = mkdtempSync(join(tmpdir(), "longshort-tokens-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("tokens of a corpus beyond the limit of memory lie beside the run, are used by resume, and made anew when the text has changed", async () => {
  const text = join(folder, "text.txt");
  const [run, cache] = [join(folder, "run"), join(folder, "run", "tokens")];
  writeFileSync(text, "hello world, hello words\n".repeat(30));
  const small = ["--hidden-size", "4", "--embedding-size", "3", "--batch-size", "4", "--sequence-length", "8"];
  const resume = (step: number) => longshort(["resume", run, "--max-steps", String(step), "-q"]);

  expect(await longshort(["train", "text", text, ...small, "--max-steps", "3", "-q", "-o", run])).toMatchObject({
    code: 0,
  });
  expect([...passes].sort()).toEqual(["tokens", "vocabulary"]);
  const made = readdirSync(cache).sort();
  expect(made.length).toBeGreaterThanOrEqual(2);
  const whole = made.map((name) => readFileSync(join(cache, name)));

  passes.clear();
  expect(await resume(5)).toMatchObject({ code: 0 });
  expect([...passes]).toEqual([]);
  expect(made.map((name) => readFileSync(join(cache, name)))).toEqual(whole);

  // The same bytes, but who knows: time and size decide.
  utimesSync(text, new Date(), new Date(statSync(text).mtimeMs + 60_000));
  passes.clear();
  expect(await resume(7)).toMatchObject({ code: 0 });
  expect([...passes]).toEqual(["tokens"]);

  rmSync(cache, { recursive: true });
  passes.clear();
  expect(await resume(9)).toMatchObject({ code: 0 });
  expect([...passes]).toEqual(["tokens"]);
  expect(readdirSync(cache).sort()).toEqual(made);
});

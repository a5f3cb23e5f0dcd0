import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { longshort } from "./fake-io.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-calibrate-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The first word says the class in four of five lines. */
const lines = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) => n + from).map(
    (k) => `${k % 2 ? "good" : "bad"} film ${k % 7},${(k % 2 === 1) !== (k % 5 === 0) ? "yes" : "no"}\n`,
  );
const train = [
  "train",
  "classify",
  at("texts.csv"),
  "--hidden-size",
  "4",
  "--embedding-size",
  "4",
  "--validation",
  "0.4",
];
const usual = [...train, "--epochs", "12", "--learning-rate", "0.05", "--no-baselines"];
const calibrationOf = (run: string) => JSON.parse(readFileSync(join(at(run), "config.json"), "utf8")).model.calibration;
const rowsOf = (csv: string) =>
  csv
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","));

beforeAll(() => {
  writeFileSync(at("texts.csv"), `text,label\n${lines(200).join("")}`);
  writeFileSync(at("more.csv"), `text,label\n${lines(60, 3).join("")}`);
});

describe("train classify --calibrate --threshold", () => {
  it("fits both to the validation part, and predict, evaluate and info tell of them", async () => {
    const plain = await longshort([...usual, "-o", at("plain")]);
    const run = [...usual, "--calibrate", "--threshold", "recall:0.95", "--threshold-label", "no", "-o", at("run")];
    const { code, stderr, stdout } = await longshort(run);
    expect(code).toBe(0);
    const { temperature, threshold } = calibrationOf("run");
    const said = `temperature ${temperature.toPrecision(4)}; "no" from a probability of ${threshold.probability.toFixed(4)} on`;
    expect(stderr).toContain(`Calibrated on the validation part: ${said}`);
    expect(threshold.label).toBe("no");
    expect(stdout).toMatch(/Probabilities: cross entropy [\d.]+, expected calibration error [\d.]+ % \(temperature/);
    expect(plain.stdout).toMatch(/expected calibration error [\d.]+ %\n/);
    expect(calibrationOf("plain")).toBeUndefined();

    const [before, after] = await Promise.all(
      ["plain", "run"].map((one) => longshort(["predict", at(one), at("more.csv")])),
    );
    for (const [k, [label, no]] of rowsOf(after!.stdout).entries()) {
      expect(label).toBe(Number(no) >= threshold.probability ? "no" : "yes");
      const logit = (p: number): number => Math.log(p / (1 - p));
      expect(logit(Number(no)) * temperature).toBeCloseTo(logit(Number(rowsOf(before!.stdout)[k]![1])), 2);
    }
    expect((await longshort(["info", at("run")])).stdout).toMatch(
      new RegExp(`Calibrated +${said.replace(/[.]/g, "\\.")}`),
    );
    const measured = await longshort(["evaluate", at("run"), at("more.csv"), "--no-baselines"]);
    expect(measured.stdout).toMatch(/On the 60 test examples:/);
    expect(measured.stdout).toContain(said);
    const mean = await longshort(["predict", at("run"), at("more.csv"), "--with", at("plain")]);
    expect(mean.stderr).toMatch(/a mean of several runs has no threshold/);
    expect(rowsOf(mean.stdout).every(([label, no]) => (label === "no") === Number(no) > 0.5)).toBe(true);
    const network = await longshort(["convert", at("run"), at("run.onnx")]);
    expect(network.stdout).toMatch(/logits are those of training divided by the temperature/);
    // A training that goes on writes its config anew, and is calibrated again at its end.
    await longshort(["resume", at("run"), "--epochs", "13", "-q"]);
    expect(calibrationOf("run")).toEqual({ temperature, threshold });
  });

  it("says that it found none, and keeps what was trained", async () => {
    writeFileSync(
      at("easy.csv"),
      `text,label\n${lines(200)
        .map((line) => line.replace(/,.*/, line.startsWith("good") ? ",yes" : ",no"))
        .join("")}`,
    );
    const argv = ["train", "classify", at("easy.csv"), ...usual.slice(3), "--calibrate", "-q", "-o", at("easy")];
    const { code, stderr } = await longshort(argv);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^Not calibrated: .*all of them are right/);
    expect(calibrationOf("easy")).toBeUndefined();
  });

  it.each([
    [["--threshold", "f2"], /--threshold: expected f1, precision:SHARE or recall:SHARE.*got "f2"/],
    [["--threshold", "precision:1.2"], /--threshold: expected f1/],
    [["--threshold", "f1", "--threshold-label", "maybe"], /--threshold-label: expected one of "no", "yes"/],
    [["--threshold-label", "yes"], /--threshold/],
    [["--calibrate", "--validation", "0"], /--calibrate: found on the validation part, and --validation 0 keeps none/],
    [["--threshold", "f1", "--regression"], /--threshold: with --regression there are no probabilities/],
    [
      ["--threshold", "f1", "--label", "text"],
      /--threshold: of two classes one has a threshold, this classifier has 14/,
    ],
  ])("refuses %j", async (more, message) => {
    const { code, stderr } = await longshort([...usual, ...more, "-q", "-o", at("never")]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});

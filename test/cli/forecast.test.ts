import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readParquet } from "../../src/data/parquet.ts";
import { longshort } from "./fake-io.ts";
import { logOf, ownTagsOf } from "./run-logs.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-forecast-"));
const at = (name: string): string => join(folder, name);
const day = (k: number): string => new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10);
/** Sales of two shops with a week and a price that moves them; prices of the last days are known before the sales are. */
const rows = (from: number, to: number, known = to): string[] =>
  ["north", "south"].flatMap((shop, s) =>
    Array.from({ length: to - from }, (_, i) => {
      const k = from + i;
      const price = 2 + ((k * (s + 3)) % 5);
      const sales = 40 * (s + 1) + 8 * Math.sin((2 * Math.PI * k) / 7) - 3 * price + Math.sin(k * 12.9);
      return `${day(k)};${shop};${k < known ? sales.toFixed(2) : ""};${price}`;
    }),
  );
const head = "day;shop;sales;price";
const write = (name: string, lines: readonly string[]) =>
  writeFileSync(at(name), `${[head, ...lines].join("\r\n")}\r\n`);
const columns = ["--target", "sales", "--series", "shop", "--time", "day", "--known", "price"];
const small = ["--horizon", "3", "--context", "7", "--hidden-size", "8", "--learning-rate", "0.01"];

beforeAll(() => write("sales.csv", rows(0, 120, 117)));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("trained, measured beside simple methods, forecast, resumed", async () => {
  const train = ["train", "forecast", at("sales.csv"), ...columns, ...small, "--epochs", "6"];
  const ran = await longshort([...train, "-o", at("run")]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(ran.stderr).toMatch(/Column "sales": 6 of 240 values are missing/);
  expect(ran.stderr).toMatch(/2 series in steps of a day, \d+ windows for training/);
  expect(ran.stderr).toMatch(/3 steps of sales from the last 7 with price, weekday; head quantiles, decoding direct/);
  expect(ran.stderr).toMatch(/epoch 6\/6: loss 0\.\d+, validation 0\.\d+/);
  expect(ran.stdout).toMatch(/Backtest on the test part, from \d+ origins, 1 step apart/);
  for (const name of ["this model", "naive", "seasonal naive \\(7", "drift", "exponential smoothing", "linear map"])
    expect(ran.stdout).toMatch(new RegExp(`^${name}.* \\d+\\.\\d %$`, "m"));
  expect(ran.stdout).toMatch(/The model('s mean absolute error is| does not beat)/);

  expect(logOf(at("run")).at(-1)).toMatch(/^Interval widths calibrated on the validation part: /);
  expect(ownTagsOf(at("run"))).toEqual(["speed/values per second"]);

  const found = await longshort(["forecast", at("run")]);
  expect(found.code, found.stderr).toBe(0);
  const lines = found.stdout.trim().split("\n");
  expect(lines[0]).toBe("series,time,target,value,q0.1,q0.5,q0.9");
  expect(lines).toHaveLength(7);
  expect(lines[1]).toMatch(new RegExp(`^north,${day(117)},sales,\\d+`));
  const digits = lines.slice(1).flatMap((line) =>
    line
      .split(",")
      .slice(3)
      .map((cell) => cell.replace(/\D/g, "").replace(/^0+/, "").length),
  );
  expect(Math.max(...digits)).toBeLessThanOrEqual(7);

  const plotted = await longshort(["forecast", at("run"), "--plot"]);
  expect(plotted.stdout).toMatch(/sales of north: a known, b quantile 0.1, c quantile 0.9, d forecast/);
  const saved = await longshort(["forecast", at("run"), at("sales.csv"), "--horizon", "2", "-o", at("next.json")]);
  expect(saved.stdout).toMatch(/Wrote .*next.json \(4 rows\)/);
  expect(JSON.parse(readFileSync(at("next.json"), "utf8"))[3]).toMatchObject({
    ...{ series: "south", time: day(118), target: "sales", value: expect.any(Number), "q0.9": expect.any(Number) },
  });

  const page = await longshort(["forecast", at("run"), "--html", at("next.html")]);
  expect(page.stdout).toBe(`The page with pictures of the series: ${at("next.html")}\n`);
  const html = readFileSync(at("next.html"), "utf8");
  expect(html).not.toMatch(/<(link|img|script src)|https?:/);
  expect(html).toContain("<h1>Forecast of sales</h1>");
  expect(html).toContain('<h2 id="f1-0-heading">sales of south</h2>');
  expect(html).toMatch(
    new RegExp(`<desc id="f0-0-words">7 steps are known, up to ${day(116)} \\([\\d.]+\\). 3 are forecast, from`),
  );
  // What the table says is what the picture says, in every step.
  const cells = lines[1]!
    .split(",")
    .slice(3)
    .map((cell) => Number(Number(cell).toPrecision(6)));
  expect(html).toContain(`<th scope="row">${day(117)}</th>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  expect(html).toContain(`${day(117)}: ${cells[0]} (forecast, 80 % between ${cells[1]} and ${cells[3]})`);
  expect(() => new Function(/<script>([\s\S]*)<\/script>/.exec(html)![1]!)).not.toThrow();

  const more = await longshort(["resume", at("run"), "--epochs", "7", "--json", "-q"]);
  expect(more.code, more.stderr).toBe(0);
  const told = more.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(told.find(({ type }) => type === "start").step).toBeGreaterThan(0);
  expect(told.filter(({ type }) => type === "scores").map(({ name }) => name)).toHaveLength(6);

  write("later.csv", rows(120, 170));
  const later = await longshort(["backtest", at("run"), at("later.csv"), "--stride", "5", "--no-baselines"]);
  expect(later.stdout).toMatch(/Backtest on .*later.csv, from 10 origins, 5 steps apart/);
  const numbers = await longshort([
    "backtest",
    at("run"),
    at("later.csv"),
    "--stride",
    "5",
    "--no-baselines",
    "--json",
  ]);
  expect(JSON.parse(numbers.stdout)).toMatchObject({ part: at("later.csv"), target: "sales", origins: 10, stride: 5 });
  const info = (await longshort(["info", at("run")])).stdout;
  expect(info).toMatch(
    /sales.csv; \d+ windows for training, \d+ for validation\n.*7 epochs, \d+ steps of 32, optimizer/,
  );
  expect(info).toMatch(/train forecast --config/);
  const config = JSON.parse(readFileSync(at("run/config.json"), "utf8"));
  for (const training of [5, null, { target: "sales" }]) {
    cpSync(at("run"), at("altered"), { recursive: true });
    writeFileSync(at("altered/config.json"), JSON.stringify({ ...config, training }));
    const { code, stderr } = await longshort(["forecast", at("altered"), at("sales.csv")]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining("altered: the run does not say which"),
    });
  }

  const other = await longshort(["predict", at("run"), "--input", "x"]);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringMatching(/commands forecast, backtest and inspect/) });
});

test("a killed and resumed training gives the weights of one that was not", async () => {
  const train = ["train", "forecast", at("sales.csv"), ...columns, ...small, "--test", "0", "-q", "--no-baselines"];
  await longshort([...train, "--epochs", "4", "-o", at("whole")]);
  await longshort([...train, "--epochs", "2", "-o", at("halves")]);
  await longshort(["resume", at("halves"), "--epochs", "4"]);
  const weights = (run: string) => readFileSync(at(`${run}/model.safetensors`));
  expect(weights("halves").equals(weights("whole"))).toBe(true);
});

test.each<[string, string[], readonly string[], RegExp]>([
  ["no target", rows(0, 40), ["--horizon", "3"], /--target is required: columns to forecast/],
  ["no horizon", rows(0, 40), ["--target", "sales"], /--horizon is required: steps to forecast/],
  ["several series in one", rows(0, 40), ["--target", "sales", "--time", "day", "--horizon", "3"], /--series/],
  ["a series that is too short", rows(0, 9), [...columns, "--horizon", "5"], /lower the context, the horizon/],
  ["a column of text", rows(0, 40), ["--target", "shop", "--horizon", "3"], /column "shop": expected a finite number/],
  ["a delimiter that is none", rows(0, 40), [...columns, "--horizon", "3", "--delimiter", ","], /one column only/],
])("refuses %s", async (_, lines, options, message) => {
  write("bad.csv", lines);
  const { code, stderr } = await longshort(["train", "forecast", at("bad.csv"), ...options, "-o", at("bad")]);
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringMatching(message) });
});

test("the column with the times is found, told, recorded, and can be declined", async () => {
  write(
    "found.csv",
    rows(0, 40).filter((line) => !line.includes("south")),
  );
  const train = (...more: string[]) =>
    longshort(["train", "forecast", at("found.csv"), "--target", "sales", "--horizon", "3", "--epochs", "1", ...more]);
  const { stderr } = await train("-o", at("found"));
  expect(stderr).toMatch(/^Times: --time day/);
  const training = (run: string) => JSON.parse(readFileSync(at(`${run}/config.json`), "utf8")).training;
  expect(training("found").time).toEqual(["day"]);
  expect((await train("--time", "none", "-o", at("declined"))).stderr).not.toMatch(/Times:/);
  expect(training("declined").time).toEqual(["none"]);
  // Two shops on one day: their times say nothing of the rows.
  write("found.csv", rows(0, 40));
  expect((await train("-o", at("mixed"))).stderr).toMatch(/^Rows count as equal steps, because .*--series/);
});

test("what series are is told in training, and what did not occur then in a forecast", async () => {
  const kinds = ["--target", "sales", "--series", "shop", "--category", "shop", ...small, "--epochs", "1"];
  const ran = await longshort(["train", "forecast", at("sales.csv"), ...kinds, "--no-baselines", "-o", at("kinds")]);
  expect(ran.stderr).toMatch(/3 steps of sales from the last 7 with shop, weekday;/);
  const known = await longshort(["forecast", at("kinds")]);
  expect(known.stderr).not.toMatch(/did not occur/);
  write(
    "elsewhere.csv",
    rows(0, 30, 27).map((row) => row.replace("south", "west")),
  );
  const found = await longshort(["forecast", at("kinds"), at("elsewhere.csv")]);
  expect(found.stderr).toContain('Note: "west" in shop did not occur in training.\n');
  expect(found.stdout.trim().split("\n")).toHaveLength(7);
});

test("what is known beforehand has to be there", async () => {
  write("cut.csv", rows(0, 100));
  const { code, stderr } = await longshort(["forecast", at("run"), at("cut.csv")]);
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringMatching(/series "north", column "price": expected its values for the 3 steps/),
  });
});

test("Parquet: read as other tables are, and written", async () => {
  const cells = rows(0, 60).map((line) => line.split(";"));
  const columnData = [
    { name: "day", data: cells.map(([at]) => new Date(at!)), type: "TIMESTAMP" as const },
    { name: "shop", data: cells.map(([, shop]) => shop!), type: "STRING" as const },
    { name: "sales", data: cells.map(([, , sales], k) => (k === 9 ? null : Number(sales))), type: "DOUBLE" as const },
    { name: "price", data: cells.map(([, , , price]) => Number(price)), type: "INT32" as const },
  ];
  writeFileSync(at("sales.parquet"), new Uint8Array(parquetWriteBuffer({ columnData })));
  write(
    "same.csv",
    rows(0, 60).map((line, k) => (k === 9 ? line.replace(/;[^;]*;([^;]*)$/, ";;$1") : line)),
  );
  const train = (file: string) =>
    longshort([
      "train",
      "forecast",
      at(file),
      ...columns.slice(0, 6),
      ...small,
      "--epochs",
      "1",
      "-q",
      "-o",
      at(`of-${file}`),
    ]);
  const [parquet, csv] = [await train("sales.parquet"), await train("same.csv")];
  expect(parquet.code, parquet.stderr).toBe(0);
  expect(parquet.stdout.replaceAll("sales.parquet", "same.csv")).toBe(csv.stdout);

  await longshort(["forecast", at("of-sales.parquet"), "-o", at("next.parquet")]);
  const printed = await longshort(["forecast", at("of-sales.parquet")]);
  const read = async (file: string, columns: string[]) => {
    const found: (readonly string[])[] = [];
    for await (const rows of readParquet(at(file), columns)) found.push(...rows.map(({ cells }) => cells));
    return found;
  };
  const [, first] = printed.stdout.split("\n");
  const [row] = await read("next.parquet", ["series", "time", "target", "value", "q0.1"]);
  const shown = first!.split(",");
  expect(row!.slice(0, 3)).toEqual([shown[0], `${shown[1]}T00:00:00.000`, shown[2]]);
  // The printed table has seven digits.
  expect(row!.slice(3).map((cell) => Number(Number(cell).toPrecision(7)))).toEqual(shown.slice(3, 5).map(Number));

  await expect(read("next.parquet", ["price"])).rejects.toMatchObject({ code: "unknown-column" });
  writeFileSync(at("broken.parquet"), "PAR1 no more");
  await expect(read("broken.parquet", ["y"])).rejects.toMatchObject({ code: "bad-parquet" });
  await expect(read("none.parquet", ["y"])).rejects.toMatchObject({ code: "file-not-found" });
});

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, describe, expect, test } from "vitest";
import { calendarFeatures, defaultRounds } from "../../src/data/calendar.ts";
import { type ReadTimeSeriesOptions, readTimeSeries } from "../../src/data/read-time-series.ts";
import { fitScaling } from "../../src/data/series-scaling.ts";
import { timeSeriesSet } from "../../src/data/time-series-set.ts";
import { after, defaultSeason, formatStep, parseStep, positionOf, stepInWords } from "../../src/data/time-step.ts";
import { momentsOf, timeZone } from "../../src/data/time-zone.ts";
import { parseTimestamp } from "../../src/data/timestamps.ts";

const folder = mkdtempSync(join(tmpdir(), "longshort-series-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let count = 0;
const read = (content: string | Uint8Array, options: Partial<ReadTimeSeriesOptions> = {}, ending = ".csv") => {
  const file = join(folder, `t${count++}${ending}`);
  writeFileSync(file, content);
  return readTimeSeries(file, { targets: ["y"], ...options });
};
const days = (n: number, line: (k: number) => string): string =>
  `day,y\n${Array.from({ length: n }, (_, k) => line(k)).join("\n")}\n`;
const day = (k: number): string => new Date(Date.UTC(2024, 0, 1 + k)).toISOString().slice(0, 10);

describe("reading", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["commas", "day,y\n2024-01-01,1\n2024-01-02,2.5\n", ".csv"],
    ["semicolons, CRLF and a byte order mark", "\ufeffday;y\r\n2024-01-01;1\r\n2024-01-02;2.5\r\n", ".csv"],
    ["quotation marks", '"day","y"\n"2024-01-01","1"\n"2024-01-02","2.5"\n', ".csv"],
    ["tabs", "day\ty\n2024-01-01\t1\n2024-01-02\t2.5\n", ".tsv"],
    ["JSON lines", '{"day":"2024-01-01","y":1}\n\n{"y":"2.5","day":"2024-01-02"}\n', ".jsonl"],
  ])("%s", async (_, content, ending) => {
    const { series, step } = await read(content, { time: "day" }, ending);
    expect([...series[0]!.values.y!]).toEqual([1, 2.5]);
    expect([...series[0]!.times!]).toEqual([Date.UTC(2024, 0, 1), Date.UTC(2024, 0, 2)]);
    expect(step).toEqual({ count: 1, unit: "day" });
  });

  test("Parquet, row group by row group", async () => {
    const columnData = [
      { name: "day", data: [0, 1, 2, 3, 4].map((k) => new Date(Date.UTC(2024, 0, 1 + k))), type: "TIMESTAMP" as const },
      { name: "y", data: [1, 2.5, Number.NaN, 4, 5], type: "DOUBLE" as const },
    ];
    const content = new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2 }));
    const { series, step } = await read(content, { time: "day" }, ".parquet");
    expect([...series[0]!.values.y!]).toEqual([1, 2.5, Number.NaN, 4, 5]);
    expect([series[0]!.times![4], formatStep(step!)]).toEqual([Date.UTC(2024, 0, 5), "1d"]);
    const nested = [{ name: "y", data: [[1], [2]], type: "JSON" as const }];
    await expect(
      read(new Uint8Array(parquetWriteBuffer({ columnData: nested })), {}, ".parquet"),
    ).rejects.toMatchObject({ code: "not-a-number" });
  });

  const golden = (name: string) => fileURLToPath(new URL(`../golden/parquet/${name}.parquet`, import.meta.url));

  test.each(["snappy", "gzip", "brotli", "lz4", "zstd", "int96"])(
    "Parquet of another program, %s: days and times without a zone are those of clocks",
    async (name) => {
      const options = { targets: ["y"], timeZone: "America/New_York" };
      const sixOClock = [11, 10, 10].map((hour, k) => Date.UTC(2024, 2, 9 + k, hour));
      const midnight = [5, 5, 4].map((hour, k) => Date.UTC(2024, 2, 9 + k, hour));
      for (const [time, times] of Object.entries({ day: midnight, clock: sixOClock, moment: sixOClock })) {
        // There, nothing says which zone.
        if (name === "int96" && time === "moment") continue;
        const { series, step } = await readTimeSeries(golden(name), { ...options, time });
        expect([...series[0]!.times!]).toEqual(times);
        expect([...series[0]!.values.y!, formatStep(step!)]).toEqual([1.5, Number.NaN, 3, "1d"]);
      }
      await expect(readTimeSeries(golden(name), { targets: ["text"] })).rejects.toMatchObject({ code: "not-a-number" });
    },
  );

  test("what is so or not so is 1 or 0", async () => {
    expect([...(await read("y\nTrue\nfalse\n2\n")).series[0]!.values.y!]).toEqual([1, 0, 2]);
    expect([...(await read('{"y":true}\n{"y":false}\n', {}, ".jsonl")).series[0]!.values.y!]).toEqual([1, 0]);
  });

  test("ids in JSON keep all their digits; numbers, and texts with digits in them, stay what they are", async () => {
    const ids = ["9007199254740993", "9007199254740992", "-18446744073709551615"];
    const text = 'say "1234567890123456789';
    const values = ["1.2345678901234567", "12345678901234567e3", "9007199254740991", "-5e-1"];
    const lines = [...ids, JSON.stringify(text)].map((id, k) => `{"id":${id},"y":${values[k]}}`);
    const { series } = await read(lines.join("\n"), { series: "id" }, ".jsonl");
    expect(series.map((one) => [one.id, one.values.y![0]])).toEqual(
      [...ids, text].map((id, k) => [id, Number(values[k])]),
    );
    await expect(read('{"y":00012345678901234567}', {}, ".jsonl")).rejects.toMatchObject({ code: "bad-json" });
  });

  test("a cell of one column in quotation marks is a row, an empty line is none", async () => {
    const { series } = await read('y\n1\n""\n\n3\n');
    expect([...series[0]!.values.y!]).toEqual([1, Number.NaN, 3]);
  });

  test("missing values are no numbers, and are told of", async () => {
    const { series, notices } = await read("y,z\n1,0\nNA,0\n,0\nnan,0\n?,0\n6,0\n");
    expect([...series[0]!.values.y!]).toEqual([1, Number.NaN, Number.NaN, Number.NaN, Number.NaN, 6]);
    expect(notices).toEqual(['Column "y": 4 of 6 values are missing.']);
    const names = Array.from({ length: 40 }, (_, k) => `s${k}`);
    const lines = [
      names,
      names.map((_, k) => (k % 2 ? "" : 1)),
      names.map((_, k) => (k === 7 ? "" : 2)),
      names.map(() => 3),
    ];
    const many = await read(lines.map((line) => `${line.join(",")}\n`).join(""), { targets: names });
    expect(many.notices).toHaveLength(6);
    expect(many.notices[0]).toBe('Column "s7": 2 of 3 values are missing.');
    expect(many.notices[5]).toBe("15 more columns have up to 1 missing values.");
    const json = await read('{"y":1}\n{"y":null}\n{}\n', {}, ".jsonl");
    expect([...json.series[0]!.values.y!]).toEqual([1, Number.NaN, Number.NaN]);
  });

  test("gaps become missing steps, rows out of order are put in order", async () => {
    const { series, notices } = await read(`day,y\n${day(4)},5\n${day(0)},1\n${day(1)},2\n${day(5)},6\n${day(6)},7\n`, {
      time: "day",
    });
    expect([...series[0]!.values.y!]).toEqual([1, 2, Number.NaN, Number.NaN, 5, 6, 7]);
    expect(notices.join(" ")).toMatch(/order of their times.*2 of 7 steps of 1d have no row \(the longest gap is 2\)/);
  });

  test("several series, told apart by a column, and several columns", async () => {
    const { series } = await read("shop,y,p\na,1,10\nb,2,20\na,3,30\n", { series: "shop", past: ["p"] });
    expect(series.map(({ id, values }) => [id, [...values.y!], [...values.p!]])).toEqual([
      ["a", [1, 3], [10, 30]],
      ["b", [2], [20]],
    ]);
  });

  test("year, month, day and hour in columns of their own", async () => {
    const { series, step } = await read("year,month,day,hour,y\n2010,1,31,23,1\n2010,2,1,0,2\n", {
      time: ["year", "month", "day", "hour"],
    });
    expect(series[0]!.times![1]).toBe(Date.UTC(2010, 1, 1));
    expect(formatStep(step!)).toBe("1h");
  });

  test("decimal commas, where they are said to be commas", async () => {
    const rows = "y;z\n20,5;1\n;2\n-0,25;3\n";
    const { series } = await read(rows, { decimal: "," });
    expect([...series[0]!.values.y!]).toEqual([20.5, Number.NaN, -0.25]);
    await expect(read("y\n1,5\n2.5\n", { decimal: ",", delimiter: ";" })).rejects.toThrow(
      /line 3.*decimal comma and no point, got "2.5"/,
    );
    await expect(read("y;z\n1.020,5;1\n", { decimal: "," })).rejects.toThrow(/no point, got "1.020,5"/);
  });

  test("irregular times are refused, and become steps where that is asked for", async () => {
    const rows =
      "at,y\n2024-01-01 00:00,1\n2024-01-01 01:00,2\n2024-01-01 02:00,4\n2024-01-01 02:20,6\n2024-01-01 04:00,8\n";
    await expect(read(rows, { time: "at" })).rejects.toThrow(/step 2.333 of its series.*--resample 1h/);
    const clock =
      "at,y\n2024-01-01T00:00:03Z,1\n2024-01-01T00:10:11Z,2\n2024-01-01T00:20:04Z,3\n2024-01-01T00:30:12Z,4\n";
    await expect(read(clock, { time: "at" })).rejects.toThrow(/--resample 10min/);
    const { series } = await read(rows, { time: "at", resample: "1h" });
    expect([...series[0]!.values.y!]).toEqual([1, 2, 5, Number.NaN, 8]);
  });

  test("months and years are those of the calendar", async () => {
    const { series, step } = await read("m,y\n1949-01,1\n1949-02,2\n1949-03,3\n1949-05,5\n", { time: "m" });
    expect(formatStep(step!)).toBe("1mo");
    expect([...series[0]!.values.y!]).toEqual([1, 2, 3, Number.NaN, 5]);
    expect(defaultSeason(step!)).toBe(12);
  });

  test("the last days of months and quarters, and days that some months do not have", async () => {
    const steps = async (...dates: string[]) => {
      const set = await read(`at,y\n${dates.map((date, k) => `${date},${k}\n`).join("")}`, { time: "at" });
      const next = after(set.series[0]!.times![0]!, dates.length, set.step!, set.timeZone);
      expect([...set.series[0]!.values.y!]).toEqual(dates.map((_, k) => k));
      return [formatStep(set.step!), new Date(next).toISOString().slice(0, 10)];
    };
    expect(await steps("2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30")).toEqual(["1mo", "2023-05-31"]);
    expect(await steps("2023-02-28", "2023-03-31", "2023-04-30")).toEqual(["1mo", "2023-05-31"]);
    expect(await steps("2023-02-28", "2023-03-28", "2023-04-28")).toEqual(["1mo", "2023-05-28"]);
    expect(await steps("2023-06-30", "2023-09-30", "2023-12-31")).toEqual(["1q", "2024-03-31"]);
    expect(await steps("2023-01-30", "2023-02-28", "2023-03-30")).toEqual(["1mo", "2023-04-30"]);
    const between = "at,y\n2023-01-31,1\n2023-02-28,2\n2023-03-31,3\n2023-05-01,4\n";
    await expect(read(between, { time: "at" })).rejects.toThrow(/--resample 1mo/);
  });

  test("days without midnight are days: in Santiago clocks jump from 0:00 to 1:00 on 8 September 2024", async () => {
    const options = { time: "at", timeZone: "America/Santiago" };
    const days = ["2024-09-07,1", "2024-09-08,2", "2024-09-09,3", "2024-09-10,4"];
    for (const first of [0, 1]) {
      const { series, step } = await read(`at,y\n${days.slice(first).join("\n")}\n`, options);
      expect([formatStep(step!), ...series[0]!.values.y!]).toEqual(["1d", ...[1, 2, 3, 4].slice(first)]);
    }
    // The 23 hours of that day, then those of the next.
    const start = Date.UTC(2024, 8, 8, 4);
    const hours = Array.from({ length: 47 }, (_, k) => `${new Date(start + k * 3_600_000).toISOString()},${k}`);
    const { series } = await read(`at,y\n${hours.join("\n")}\n`, { ...options, resample: "1d" });
    expect([...series[0]!.values.y!]).toEqual([11, 34.5]);
  });

  test("clocks that are put back and forward: an hour is never lost nor counted twice", async () => {
    // Berlin, 27 October 2024: 02:00 comes twice. 31 March: 02:00 does not come.
    const back = await read("at,y\n2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 02:00,3\n2024-10-27 03:00,4\n", {
      ...{ time: "at", timeZone: "Europe/Berlin" },
    });
    expect([...back.series[0]!.values.y!]).toEqual([1, 2, 3, 4]);
    const forward = await read(
      "at,y\n2024-03-31 00:00,1\n2024-03-31 01:00,2\n2024-03-31 03:00,3\n2024-03-31 04:00,4\n",
      {
        ...{ time: "at", timeZone: "Europe/Berlin" },
      },
    );
    expect([...forward.series[0]!.values.y!]).toEqual([1, 2, 3, 4]);
    const daily = await read("at,y\n2024-03-30,1\n2024-03-31,2\n2024-04-01,3\n", {
      ...{ time: "at", timeZone: "Europe/Berlin" },
    });
    expect([daily.series[0]!.length, formatStep(daily.step!)]).toEqual([3, "1d"]);
  });

  test.each<[string, string | Uint8Array, Partial<ReadTimeSeriesOptions>, string, RegExp]>([
    ["a ragged row", "day,y\n2024-01-01,1\n2024-01-02\n", {}, "ragged-row", /line 3: expected 2 cells/],
    ["another delimiter", "day,y\n1,2\n3,4\n", { delimiter: ";" }, "unknown-column", /one column only/],
    ["bad UTF-8", Uint8Array.of(0x79, 0x0a, 0xff, 0x0a), {}, "not-text", /byte 2 is not UTF-8/],
    ["an empty file", "", {}, "file-empty", /empty/],
    ["a header alone", "day,y\n", {}, "table-empty", /nothing below it/],
    ["a target of text", "y\n1\nmany\n", {}, "not-a-number", /line 3, column "y": .*got "many"/],
    ["infinity", "y\n1\nInfinity\n", {}, "not-a-number", /finite number, got "Infinity"/],
    ["-inf", "y\n1\n-inf\n", {}, "not-a-number", /got "-inf"/],
    ["no date", days(2, (k) => `${["2024-01-01", "yesterday"][k]},1`), { time: "day" }, "bad-time", /"yesterday"/],
    ["the 30th of February", days(1, () => "2024-02-30,1"), { time: "day" }, "bad-time", /line 2/],
    ["days before months", days(1, () => "31.01.2024,1"), { time: "day" }, "bad-time", /2024-01-31/],
    ["the same time twice", days(3, (k) => `${day(Math.min(k, 1))},1`), { time: "day" }, "duplicate-time", /--series/],
    ["no such column", "a,b\n1,2\n", {}, "unknown-column", /no column "y"/],
    ["a target without a number", "y\nNA\nNA\n", {}, "no-target", /holds no number/],
    [
      "no such time zone",
      days(2, (k) => `${day(k)},1`),
      { time: "day", timeZone: "Mars" },
      "unknown-time-zone",
      /Mars/,
    ],
    ["no such step", days(2, (k) => `${day(k)},1`), { time: "day", resample: "1x" }, "bad-step", /15min or 1d/],
    ["steps without times", "y\n1\n", { resample: "1d" }, "bad-option", /--time/],
    [
      "one date far away",
      days(40, (k) => `${k === 39 ? "2924-01-01" : day(k)},1`),
      { time: "day" },
      "irregular-steps",
      /is this date right/,
    ],
  ])("refuses %s", async (_, content, options, code, message) => {
    const failed = read(content, options);
    await expect(failed).rejects.toMatchObject({ code });
    await expect(failed).rejects.toThrow(message);
  });

  test("JSON that is none, and a key that no line has", async () => {
    await expect(read('{"y":1}\n{"y":\n', {}, ".jsonl")).rejects.toThrow(/line 2: not valid JSON/);
    await expect(read('{"x":1}\n', {}, ".jsonl")).rejects.toThrow(/no line has the key "y"/);
    await expect(read('{"y":[1]}\n', {}, ".jsonl")).rejects.toThrow(/expected a number or a text at "y"/);
  });
});

test("times in all notations that say which moment they are", () => {
  const at = (text: string) => parseTimestamp(text, () => "here");
  const moment = Date.UTC(2024, 0, 31, 10, 5, 7, 250);
  for (const text of ["2024-01-31T10:05:07.25Z", "2024-01-31 12:05:07.250+02:00", "2024-01-31T06:35:07,25-0330"])
    expect(at(text)).toEqual({ value: moment, local: false });
  expect(at("2024/1/31 10:05:07.25")).toEqual({ value: moment, local: true });
  expect(at("20240131")).toEqual({ value: Date.UTC(2024, 0, 31), local: true });
  for (const text of ["202401311000", "20240131100000", "20240131T10", "20240131 10:00", "2024-01-31T10"])
    expect(at(text)).toEqual({ value: Date.UTC(2024, 0, 31, 10), local: true });
  expect(at("20240131T120000.5+0200")).toEqual({ value: Date.UTC(2024, 0, 31, 10, 0, 0, 500), local: false });
  // Seconds of the year 2034, or a date and its hour; no such hour; a time of 1976 in milliseconds.
  expect(() => at("2024013110")).toThrow(/seconds since 1970/);
  expect(at("2024013199").value).toBe(2024013199000);
  expect(at("202413311000").value).toBe(202413311000);
  expect(at("1706695507").value).toBe(Date.UTC(2024, 0, 31, 10, 5, 7));
  expect(at("1706695507000").value).toBe(Date.UTC(2024, 0, 31, 10, 5, 7));
});

test("steps are counted on the calendar of the zone", () => {
  const zone = timeZone("America/New_York");
  const [start] = momentsOf(Date.UTC(2024, 0, 31), zone);
  for (const text of ["1h", "15min", "1d", "2d", "1w"]) {
    const step = parseStep(text);
    for (const k of [0, 1, 60, 400]) expect(positionOf(after(start, k, step, zone), start, step, zone)).toBe(k);
    expect(formatStep(step)).toBe(text);
  }
  // Midnight in January is five hours behind UTC, in July four.
  const [first] = momentsOf(Date.UTC(2024, 0, 1), zone);
  expect(after(first, 6, parseStep("1mo"), zone)).toBe(Date.UTC(2024, 6, 1, 4));
});

test.each([
  ["1h", "an hour"],
  ["15min", "15 minutes"],
  ["1d", "a day"],
  ["14d", "2 weeks"],
  ["1y", "a year"],
])("a step of %s in words", (text, words) => expect(stepInWords(parseStep(text))).toBe(words));

test("the calendar: hours, days of the week and of the year as clocks there show them; before 1970 too", () => {
  const berlin = timeZone("Europe/Berlin");
  const [sin, cos] = calendarFeatures(Date.UTC(2024, 6, 1, 4), ["hour"], berlin);
  expect([sin, cos]).toEqual([expect.closeTo(1, 12), expect.closeTo(0, 12)]);
  // 1 January 1962 was a Monday.
  expect(calendarFeatures(Date.UTC(1962, 0, 1, 6), ["weekday", "hour"], timeZone("UTC"))).toEqual([
    ...[0, 1, expect.closeTo(1, 12), expect.closeTo(0, 12)],
  ]);
  const set = (length: number, step: string) =>
    timeSeriesSet({ targets: ["y"], step, series: [{ start: 0, values: { y: new Float64Array(length) } }] });
  const rounds = (length: number, step: string) => defaultRounds(set(length, step).series, parseStep(step));
  expect(rounds(48, "1h")).toEqual(["hour"]);
  expect(rounds(24 * 400, "1h")).toEqual(["hour", "weekday"]);
  expect(rounds(24 * 800, "1h")).toEqual(["hour", "weekday", "yearday"]);
  expect(rounds(40, "1d")).toEqual(["weekday"]);
  expect(rounds(100, "1mo")).toEqual(["yearday"]);
  expect(rounds(100, "1y")).toEqual([]);
});

test("scaling is measured on what is there; a constant series keeps its unit", () => {
  const { series } = timeSeriesSet({
    targets: ["y"],
    series: [{ values: { y: [1, Number.NaN, 3, 5, 7, 100] } }, { id: "c", values: { y: [5, 5, 5] } }],
  });
  const of = (kind: Parameters<typeof fitScaling>[0], k = 0) => fitScaling(kind, series[k]!, ["y"]).y!;
  expect(of("standard").center).toBeCloseTo(23.2, 12);
  expect(of("robust")).toEqual({ center: 5, scale: expect.closeTo(4 / 1.3489795, 9) });
  expect(of("mean")).toEqual({ center: 0, scale: expect.closeTo(24.2, 12) });
  expect(of("none")).toEqual({ center: 0, scale: 1 });
  expect(of("standard", 1)).toEqual({ center: 5, scale: 1 });
});

test("scaling finds the deviation of numbers of any size", () => {
  const of = (kind: "standard" | "robust", size: number) => {
    const y = [1, 2, 3, 5].map((value) => value * size);
    return fitScaling(kind, timeSeriesSet({ targets: ["y"], series: [{ values: { y } }] }).series[0]!, ["y"]).y!;
  };
  // Farads, and what squared is infinite, or 0.
  for (const kind of ["standard", "robust"] as const)
    for (const size of [1e-13, 1e200, 1e-200]) {
      expect(of(kind, size).scale / size).toBeCloseTo(of(kind, 1).scale, 12);
      expect(of(kind, size).center / size).toBeCloseTo(of(kind, 1).center, 12);
    }
  expect(of("standard", 0)).toEqual({ center: 0, scale: 1 });
});

test("arrays as series are checked", () => {
  const set = (values: Record<string, number[]>, more = {}) =>
    timeSeriesSet({ targets: ["y"], known: ["p"], series: [{ values }], ...more });
  expect(() => set({ y: [1] })).toThrow('column "p": expected numbers, got nothing');
  expect(() => set({ y: [1], p: [1, 2] })).toThrow(/"p" has 2 steps, "y" has 1/);
  for (const wrong of [Number.POSITIVE_INFINITY, "3", undefined, true])
    expect(() => set({ y: [1, 2], p: [3, wrong as number] })).toThrow(
      /^column "p", step 2: expected a finite number, or NaN or null where it is missing, got/,
    );
  // JSON has no NaN.
  expect(set(JSON.parse('{"y": [1, null], "p": [3, 4]}')).series[0]!.values.y).toEqual(Float64Array.of(1, Number.NaN));
  expect(() => set({}, { series: { y: [1] } })).toThrow("series: expected a list of { start, values }, got an object");
  expect(() => set({}, { series: [{ start: 0, values: { y: [1], p: [1] } }] })).toThrow(
    'series "" has a start: expected the time between steps too',
  );
  expect(() => set({ y: [1], p: [1] }, { step: "1d" })).toThrow(/moment of its first step/);
  for (const start of ["2024-01-01", new Date("nonsense"), Number.NaN, null])
    expect(() => set({}, { step: "1d", series: [{ start, values: { y: [1], p: [1] } }] })).toThrow(
      /moment of its first step, a date or milliseconds/,
    );
});

test("columns are lists of names, each with one role", async () => {
  const series = [{ values: { y: [1], p: [1] } }];
  const told = 'targets: expected a list of names of columns, such as ["sales"], got the string "y"';
  expect(() => timeSeriesSet({ targets: "y" as unknown as string[], series })).toThrow(told);
  await expect(readTimeSeries("none.csv", { targets: "y" as unknown as string[] })).rejects.toThrow(told);
  expect(() => timeSeriesSet({ targets: [], series })).toThrow("targets: expected at least one column, got none");
  expect(() => timeSeriesSet({ targets: ["y", "y"], series })).toThrow('targets: the column "y" is named twice');
  expect(() => timeSeriesSet({ targets: ["y"], known: ["p", "y"], series })).toThrow(
    'known: the column "y" is named in targets too; each has one role',
  );
});

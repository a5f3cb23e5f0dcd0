import { describe, expect, it } from "vitest";
import { plot } from "../../src/cli/plot.ts";

const options = { width: 30, height: 5, color: false };
const rowsOf = (picture: string): string[] => picture.split("\n").slice(0, options.height);

describe("curves in a terminal", () => {
  it("go from corner to corner, with the ends of both axes", () => {
    const picture = plot(
      [
        {
          name: "a",
          points: [
            [2, 1],
            [12, 3],
          ].map(([x, y]) => [x!, y!] as const),
        },
      ],
      options,
    );
    const [top, , middle, , bottom] = rowsOf(picture);
    expect([top, middle, bottom].map((row) => row!.split("│")[0]!.trim())).toEqual(["3.000", "2.000", "1.000"]);
    expect(top).toMatch(/aa+$/);
    expect(bottom).toMatch(/│aa+/);
    expect(picture.split("\n").at(-1)).toMatch(/^ +2 +step 12$/);
    expect(Math.max(...picture.split("\n").map((row) => row.length))).toBe(30);
  });

  it("leave out what is no number, as of a training that diverged", () => {
    const points = [
      [0, 1],
      [1, Number.NaN],
      [2, Number.POSITIVE_INFINITY],
      [3, 2],
    ].map(([x, y]) => [x!, y!] as const);
    expect(plot([{ name: "a", points }], options)).toBe(
      plot([{ name: "a", points: points.filter(([, y]) => Number.isFinite(y)) }], options),
    );
    expect(plot([{ name: "a", points: points.slice(1, 3) }], options)).toBe("");
  });

  it("are a line or a point where all values are one", () => {
    const line = rowsOf(
      plot(
        [
          {
            name: "a",
            points: [
              [0, 7],
              [9, 7],
            ].map(([x, y]) => [x!, y!] as const),
          },
        ],
        options,
      ),
    );
    expect(line.filter((row) => row.includes("a"))).toHaveLength(1);
    const dot = plot([{ name: "a", points: [[5, 7]] }], options);
    expect(dot.match(/a/g)).toHaveLength(1);
  });

  it("of several are told apart by letters, with colours by dots", () => {
    const curves = [0, 1].map((k) => ({
      name: String(k),
      points: [
        [0, k],
        [9, k],
      ].map(([x, y]) => [x!, y!] as const),
    }));
    const [top, , , , bottom] = rowsOf(plot(curves, options));
    expect([top, bottom].map((row) => row!.split("│")[1])).toEqual(["b".repeat(21), "a".repeat(21)]);
    expect(plot(curves, { ...options, color: true })).toContain("\u001b[38;2;213;94;0m⠉\u001b[0m");
  });

  it("with colours are drawn in dots, eight of a character; where two meet, the later one is seen", () => {
    const [up, down] = [
      [0, 7],
      [7, 0],
    ].map(([from, to], k) => ({ name: String(k), points: [[0, from!] as const, [19, to!] as const] }));
    const drawn = (...curves: (typeof up)[]): string[] =>
      plot(curves as never, { width: 5, height: 2, color: true }).split("\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a terminal
    const bare = (row: string): string => row.replace(/\u001b\[[\d;]*m/g, "");
    expect(drawn(up).map(bare)).toEqual([
      ...[" 7.000 │     ⣀⡠⠔⠒⠉", " 0.000 │⣀⠤⠔⠊⠉"],
      ...["       └──────────", "        0  step 19"],
    ]);
    const both = drawn(up, down);
    expect(both.slice(0, 2).map(bare)).toEqual([" 7.000 │⠉⠒⠢⢄⣀⣀⡠⠔⠒⠉", " 0.000 │⣀⠤⠔⠊⠉⠉⠑⠢⠤⣀"]);
    expect(drawn(up, { ...up!, name: "again" })[0]).not.toContain("[38;2;0;114;178m");
  });
});

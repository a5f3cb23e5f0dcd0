import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { displayWidth } from "../../src/explain/display-width.ts";
import { heatMapLegend, renderHeatMap } from "../../src/explain/heat-map.ts";

const ESCAPE = "\u001b";
/** What is left when the colours are taken out. */
const bare = (text: string): string => text.replace(new RegExp(`${ESCAPE}\\[[\\d;]*m`, "g"), "");
const escapes = (text: string): number => text.split(ESCAPE).length - 1;

describe("a heat map", () => {
  it("draws low as blank, high as full, and the text along the top", () => {
    expect(
      renderHeatMap({
        title: "f",
        columns: ["a", " ", "\n"],
        rows: [
          { label: "u1", values: [0, 0.5, 1] },
          { label: "u12", values: [0.25, 0.75, 7] },
        ],
        low: 0,
        high: 1,
      }),
    ).toBe("f\n    a ␣ ↵\nu1    ▒▒██\nu12 ░░▓▓██\n");
  });

  it("keeps words from right to left above their columns, in terminals that turn such words round", () => {
    const columns = ["ߥ߱ߝ߭", "שלום", "عربي", "abc"];
    const rows = [{ label: "u", values: [0, 1, 0, 1] }];
    const [head, row] = renderHeatMap({ columns, rows, low: 0, high: 1 }).split("\n");
    expect(head).toBe("  ߥ߱ߝ߭\u200e   שלום\u200e عربي\u200e abc");
    expect(displayWidth(head!)).toBe(row!.trimEnd().length - 2);
  });

  it("uses no escape without colour, and ends each coloured row by a reset", () => {
    const options = { columns: ["a", "b"], rows: [{ label: "u", values: [-1, 1] }], low: -1, high: 1 };
    expect(renderHeatMap(options)).not.toContain(ESCAPE);
    const row = renderHeatMap({ ...options, color: true }).split("\n")[1]!;
    expect(row).toBe(`u ${ESCAPE}[48;2;120;190;255m  ${ESCAPE}[48;2;255;190;90m  ${ESCAPE}[0m`);
    const middle = renderHeatMap({ ...options, rows: [{ label: "u", values: [0, Number.NaN] }], color: true });
    expect(middle).toContain(`${ESCAPE}[48;2;18;18;24m  ${ESCAPE}[0m??`);
  });

  it("is blue and orange only where its scale has both signs; its legend goes evenly from end to end", () => {
    const rows = [{ label: "u", values: [0, -1] }];
    const signed = renderHeatMap({ columns: ["a", "b"], rows, low: -1, high: 0, color: true }).split("\n")[1];
    expect(signed).toBe(`u ${ESCAPE}[48;2;250;235;130m  ${ESCAPE}[48;2;10;8;28m  ${ESCAPE}[0m`);
    const legend = heatMapLegend({ low: 0, high: 1, color: true });
    expect(legend).toMatch(/^0 .\[48;2;22;10;42m /);
    expect(legend).toMatch(/;216;115m .\[0m 1$/);
  });

  it("draws as many steps as there are", () => {
    const columns = new Array<string>(130_000).fill("a");
    const map = renderHeatMap({ columns, rows: [{ label: "u", values: new Float64Array(130_000) }], low: 0, high: 1 });
    expect(map.split("\n").length).toBeGreaterThan(5000);
  });

  it("lets nothing in a text reach the terminal as a command", () => {
    const map = renderHeatMap({
      columns: [`${ESCAPE}[2J`, "\u202e", "\u0007", "averylongword"],
      rows: [{ label: "u", values: [0, 0, 0, 0] }],
      low: 0,
      high: 1,
    });
    expect(map).not.toContain(ESCAPE);
    for (const control of ["\u202e", "\u0007"]) expect(map).not.toContain(control);
    expect(map).toContain("averylo…");
  });

  it("fits the width, whatever the text, and draws every value once", () => {
    const column = fc.constantFrom("a", "ö", "文", " ", "\n", "word", "e\u0301", "🙂");
    fc.assert(
      fc.property(
        fc.array(column, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 24, max: 200 }),
        (columns, width) => {
          const rows = [0, 1].map((k) => ({ label: `unit ${k}`, values: columns.map((_, t) => ((t + k) % 3) / 2) }));
          const plain = renderHeatMap({ columns, rows, low: 0, high: 1, width });
          for (const line of plain.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          const colored = renderHeatMap({ columns, rows, low: 0, high: 1, width, color: true });
          const bands = plain.split("\n").filter((line) => line.startsWith("unit 0")).length;
          expect(escapes(colored)).toBe(2 * columns.length + 2 * bands);
          for (const line of bare(colored).split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });

  it("refuses rows of another length and an empty scale", () => {
    const rows = [{ label: "u", values: [1, 2] }];
    expect(() => renderHeatMap({ columns: ["a"], rows, low: 0, high: 1 })).toThrow(
      'rows: expected 1 values, one a column, got 2 in row "u"',
    );
    expect(() => renderHeatMap({ columns: ["a", "b"], rows, low: 1, high: 1 })).toThrow("low: expected a number below");
  });

  it("shows its scale", () => {
    expect(heatMapLegend({ low: 0, high: 1 })).toBe("0  ░▒▓█ 1");
    expect(bare(heatMapLegend({ low: -1.234567, high: 1.234567, color: true }))).toBe(`−1.23 ${" ".repeat(12)} 1.23`);
  });
});

describe("the width of text in a terminal", () => {
  it.each([
    ["abc", 3],
    ["文字", 4],
    ["e\u0301", 1],
    ["🙂", 2],
    ["✅❌⭐", 6],
    ["🇩🇪", 2],
    ["☺ 🌡", 3],
    ["↵␣█", 3],
    ["", 0],
  ])("%s takes %i columns", (text, width) => expect(displayWidth(text)).toBe(width));
});

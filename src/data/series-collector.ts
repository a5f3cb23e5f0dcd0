import { UsageError } from "../shared/errors.ts";
import { zipRecord } from "../shared/records.ts";
import type { CellRow } from "./delimited-cells.ts";
import { finiteNumber } from "./examples.ts";
import { GrowingNumbers } from "./growing-numbers.ts";
import type { DatedRows } from "./regular-series.ts";
import { momentsOf, type TimeZone } from "./time-zone.ts";
import { momentOf, parseTimestamp } from "./timestamps.ts";

/** What tables write where nothing was measured. */
const MISSING = /^(|na|n\/a|nan|null|none|nil|\?|-|#n\/a)$/i;
const TRUTH = /^(true|false)$/i;

export interface SeriesCollectorOptions {
  /** Of the cells of a row: those with numbers, those with the time, and maybe the one that says which series it belongs to. */
  readonly names: readonly string[];
  readonly timeColumns: readonly string[];
  readonly idColumn?: string | undefined;
  /** Cells that say the same in all rows of a series. */
  readonly categoryColumns?: readonly string[] | undefined;
  readonly zone: TimeZone;
  /** Of the numbers, not of the times. Default ".". */
  readonly decimal?: "." | "," | undefined;
  /** Where a row stands, for messages. */
  readonly place: (line: number) => string;
}

/** Rows of one series, in the order of the file. */
interface Group {
  readonly lines: GrowingNumbers;
  /** Moments; empty where there are no times. */
  readonly times: GrowingNumbers;
  readonly values: readonly GrowingNumbers[];
  /** By the order of their columns; empty while no row says it. */
  readonly categories: string[];
  ascending: boolean;
}

/** The same text; a part of a line would keep the piece of the file that it was cut out of. */
const copied = (text: string): string => [...text].join("");

/** Puts the rows of a table to the series that they belong to, as numbers. */
export class SeriesCollector {
  /** Columns whose cells rows are to have, in this order. */
  readonly columns: readonly string[];
  private readonly options: SeriesCollectorOptions;
  private readonly at: Readonly<Record<string, number>>;
  private readonly groups = new Map<string, Group>();

  constructor(options: SeriesCollectorOptions) {
    const { names, timeColumns, idColumn, categoryColumns = [] } = options;
    this.options = options;
    const ids = idColumn === undefined ? [] : [idColumn];
    this.columns = [...new Set([...names, ...timeColumns, ...ids, ...categoryColumns])];
    this.at = Object.fromEntries(this.columns.map((name, k) => [name, k]));
  }

  /** @throws UsageError "not-a-number", "bad-time", "category-changes" */
  add({ cells, line }: CellRow): void {
    const { names, timeColumns, idColumn, categoryColumns = [] } = this.options;
    const id = idColumn === undefined ? "" : cells[this.at[idColumn]!]!.trim();
    let group = this.groups.get(id);
    if (!group) {
      const values = names.map(() => new GrowingNumbers());
      const categories = categoryColumns.map(() => "");
      group = { lines: new GrowingNumbers(), times: new GrowingNumbers(), values, categories, ascending: true };
      this.groups.set(copied(id), group);
    }
    for (const [k, name] of categoryColumns.entries()) this.categorize(group, k, cells[this.at[name]!]!.trim(), line);
    for (const [k, name] of names.entries()) group.values[k]!.push(this.number(cells[this.at[name]!]!, name, line));
    group.lines.push(line);
    if (timeColumns.length === 0) return;
    const { times } = group;
    const before = times.length > 0 ? times.at(times.length - 1) : Number.NEGATIVE_INFINITY;
    const moment = this.moment(cells, line, before);
    group.ascending &&= moment >= before;
    times.push(moment);
  }

  /** The series with their rows in the order of their times, and what a user should know. */
  finish(): { readonly dated: readonly DatedRows[]; readonly notices: string[] } {
    const { names, categoryColumns, place } = this.options;
    const notices: string[] = [];
    const dated = [...this.groups].map(([id, { lines, times: moments, values, categories, ascending }]): DatedRows => {
      const times = moments.values();
      const order = ascending
        ? undefined
        : Uint32Array.from(times, (_, k) => k).sort((a, b) => times[a]! - times[b]! || a - b);
      if (order)
        notices.push(`${id === "" ? "" : `Series ${JSON.stringify(id)}: `}rows were put in the order of their times.`);
      const sorted = (all: Float64Array): Float64Array => (order ? Float64Array.from(order, (k) => all[k]!) : all);
      return {
        ...{ id, times: sorted(times), place: (k) => place(lines.at(order?.[k] ?? k)) },
        values: Object.fromEntries(names.map((name, k) => [name, sorted(values[k]!.values())])),
        categories: categoryColumns && zipRecord(categoryColumns, categories),
      };
    });
    return { dated, notices };
  }

  private categorize({ categories }: Group, k: number, value: string, line: number): void {
    const { categoryColumns, idColumn, place } = this.options;
    const before = categories[k]!;
    if (value === before || value === "") return;
    if (before === "") categories[k] = copied(value);
    else
      throw new UsageError(
        "category-changes",
        `${place(line)}, column ${JSON.stringify(categoryColumns![k])}: expected ${JSON.stringify(before)} as in the rows before ${idColumn === undefined ? "(if the file holds several series, name the column that tells them apart: series, --series)" : "of the same series"}, got ${JSON.stringify(value)}; a category is the same in all rows of a series, what changes goes into --past or --known as numbers`,
      );
  }

  private number(cell: string, name: string, line: number): number {
    const word = cell.trim();
    if (MISSING.test(word)) return Number.NaN;
    if (TRUTH.test(word)) return word.length === 4 ? 1 : 0;
    const where = (): string => `${this.options.place(line)}, column ${JSON.stringify(name)}`;
    if (this.options.decimal !== ",") return finiteNumber(word, where, "a finite number");
    if (word.includes("."))
      throw new UsageError(
        "not-a-number",
        `${where()}: expected a number with a decimal comma and no point, got ${JSON.stringify(word.slice(0, 40))}`,
      );
    return finiteNumber(word.replace(",", "."), where, "a finite number");
  }

  /** @param before the moment of the row before, which says which of two hours is meant when clocks are put back */
  private moment(all: readonly string[], line: number, before: number): number {
    const { timeColumns, place, zone } = this.options;
    const where = (): string => `${place(line)}, column ${timeColumns.map((name) => JSON.stringify(name)).join(", ")}`;
    const cells = timeColumns.map((name) => all[this.at[name]!]!);
    const { value, local } =
      cells.length === 1
        ? parseTimestamp(cells[0]!, where)
        : {
            value: momentOf(
              cells.map((cell) => finiteNumber(cell, where, "a whole number")),
              where,
            ),
            local: true,
          };
    if (!local) return value;
    const [first, ...later] = momentsOf(value, zone);
    return first > before ? first : (later.find((moment) => moment > before) ?? first);
  }
}

import type { Band, HeatMapPlace, Series } from "longshort/components";
import { type GatePlace, type Pace, pace } from "longshort/explain";
import type { Calls, Given, ModelFacts, Reading } from "longshort/worker";
import { explained } from "../explained.ts";
import { say } from "../language.ts";
import { readsNumbers, type Shipped, shippedModel, worker } from "../models.ts";
import { update } from "../update.ts";
import { gateTitle } from "../words.ts";
import { type Feature, type Follower, follower } from "./features.ts";
import { JUDGED, type Order, orderedUnits } from "./order.ts";
import { START_SERIES, seriesOf } from "./series.ts";

const START =
  'export function lstm({ hiddenSize, numLayers = 1 }: Options): Cell { // "gates"\n  return defineCell({ name: "lstm", state: ["h", "c"] });\n}\n';

/** What all panes read, and how their units stand. */
export const room: { text: string; series: string; tokens: string; sort: Order; feature: Feature | undefined } = {
  text: START,
  series: START_SERIES,
  tokens: "0 1 2 3 2 1 0",
  sort: "change",
  feature: "brackets",
};

/** One model that reads what the room gives. */
export class Pane {
  source: Shipped | "own";
  facts: ModelFacts | undefined;
  reading: Reading | undefined;
  bands: Band[] = [];
  order: number[] = [];
  /** The recurrent layer that is shown. */
  layer = 0;
  cut = new Set<number>();
  gates: GatePlace[] = [];
  /** What the text is predicted like without the cut units and with the held gates. */
  without: Calls["cut"]["back"] | undefined;
  nearest: Calls["nearest"]["back"] | undefined;
  place: HeatMapPlace = { band: 0, unit: 0, step: 0 };
  /** The unit that follows `room.feature` most closely. */
  follower: Follower | undefined;
  error: string | undefined;
  busy = false;
  /** Whether somebody chose the place that is looked at. */
  moved = false;
  /** How slowly c moves beside h, where there are both. */
  pace: Pace | undefined;
  /** What an address asks to look at once it is read. */
  asked:
    | {
        readonly layer: number | undefined;
        readonly value: string | undefined;
        readonly unit: number | undefined;
        readonly step: number | undefined;
        readonly cut: readonly number[];
        readonly hold: readonly Omit<GatePlace, "layer">[];
      }
    | undefined;
  /** Which time it reads: what came of an earlier one is of no use once there is a later. */
  private turn = 0;
  /** The numbers that were read. */
  private data: Float32Array = new Float32Array();
  private file: File | undefined;
  private fresh = true;

  constructor(source: Pane["source"]) {
    this.source = source;
  }

  /** Reads again: the input or the model is another one. */
  async read(): Promise<void> {
    const turn = ++this.turn;
    const late = (): boolean => turn !== this.turn;
    this.busy = true;
    this.error = undefined;
    update();
    try {
      const { source } = this;
      const facts = source === "own" ? this.facts! : await shippedModel(source);
      if (late()) return;
      this.facts = facts;
      const reading = await this.call(facts, given(facts));
      if (late()) return;
      this.reading = reading;
      [this.without, this.nearest] = [undefined, undefined];
      const last = facts.layers.length - 1;
      this.layer = Math.min(this.asked?.layer ?? (this.fresh ? last : this.layer), last);
      this.arrange();
      this.goWhereAsked();
      update();
      await this.cutAgain();
    } catch (error) {
      if (!late()) this.error = explained(error);
    } finally {
      if (!late()) this.busy = false;
      update();
    }
  }

  private call({ id, reads, channels }: ModelFacts, asked: string): Promise<Reading> {
    if (reads !== "text") {
      this.data = seriesOf(asked, channels);
      return worker().call("readSeries", { id, data: this.data });
    }
    if (asked === "") throw new Error(say("Type or paste some text first.", "请先输入或粘贴一段文字。"));
    return worker().call("read", { id, text: asked });
  }

  /** The bands of the layer that is shown, and a place in them. */
  arrange(): void {
    const reading = this.reading!;
    this.bands = reading.values
      .filter(({ layer }) => layer === this.layer)
      .map(({ name, units, data }) => ({ name, units, data, title: gateTitle(name) }))
      // What is kept first, then what decides over it.
      .sort(
        (a, b) => Number(b.name === "c") - Number(a.name === "c") || Number(b.name === "h") - Number(a.name === "h"),
      );
    this.sort();
    this.pace = this.measuredPace();
    const clamp = (v: number, n: number): number => Math.min(Math.max(0, n - 1), v);
    const { fresh } = this;
    const kept = this.bands.findIndex((b) => b.name === "c" || b.name === "h");
    this.place = {
      band: fresh ? Math.max(0, kept) : clamp(this.place.band, this.bands.length),
      unit: fresh ? (this.order[0] ?? 0) : clamp(this.place.unit, this.order.length),
      step: fresh ? Math.min(18, reading.tokens.length - 1) : clamp(this.place.step, reading.tokens.length),
    };
    this.fresh = false;
    this.follow(fresh);
  }

  private measuredPace(): Pace | undefined {
    const [c, h] = ["c", "h"].map((name) => this.bands.find((band) => band.name === name));
    const steps = Math.min(JUDGED, this.reading!.tokens.length);
    if (!c || !h || c.units !== h.units || steps < 3) return undefined;
    const part = ({ data, units }: Band) => ({
      shape: [steps, 1, units] as const,
      data: data.subarray(0, steps * units),
    });
    return pace(part(c), part(h));
  }

  /** Looks at what an address asked for; what there is not is left out. */
  private goWhereAsked(): void {
    const { asked } = this;
    if (!asked) return;
    this.asked = undefined;
    const { length } = this.reading!.tokens;
    const band = this.bands.findIndex(({ name }) => name === asked.value);
    const units = this.order.length;
    this.moved = asked.unit !== undefined || asked.step !== undefined;
    this.place = {
      band: band < 0 ? this.place.band : band,
      unit: asked.unit !== undefined && asked.unit < units ? asked.unit : this.place.unit,
      step: asked.step !== undefined && asked.step < length ? asked.step : this.place.step,
    };
    this.cut = new Set(asked.cut.filter((unit) => unit < units));
    const known = new Set(this.bands.map(({ name }) => name));
    this.gates = asked.hold.filter(({ gate }) => known.has(gate)).map((held) => ({ layer: this.layer, ...held }));
  }

  /** Another place is looked at. */
  look(place: HeatMapPlace): void {
    this.place = place;
    this.moved = true;
    update();
  }

  /** Looks for the unit that follows the feature of the room, and at it if asked to. */
  follow(look: boolean): void {
    const { feature } = room;
    this.follower =
      feature && this.facts?.reads === "text" ? follower(feature, this.reading?.tokens ?? [], this.bands) : undefined;
    if (look && this.follower) this.place = { ...this.place, band: this.follower.band, unit: this.follower.unit };
  }

  sort(): void {
    const band = this.bands.find((b) => b.name === "c") ?? this.bands.at(-1);
    this.order = orderedUnits(band, this.reading?.tokens.length ?? 0, room.sort);
  }

  /** What was read as curves, for models of numbers; and what the model said at each step, where it says so many. */
  get series(): Series[] | undefined {
    const { facts, reading } = this;
    if (!facts || !reading || facts.reads !== "numbers") return undefined;
    const { channels } = facts;
    // What was typed since may be half a number.
    const data = this.data;
    const steps = reading.tokens.length;
    const column = (of: ArrayLike<number>, width: number, k: number): Float32Array =>
      Float32Array.from({ length: steps }, (_, t) => of[t * width + k]!);
    const curves: Series[] = Array.from({ length: Math.min(channels, 4) }, (_, k) => ({
      label: say(`input ${k}`, `输入 ${k}`),
      data: column(data, channels, k),
    }));
    for (const output of reading.outputs)
      if (output.everyStep && output.width === 1)
        curves.push({ label: output.name, data: column(output.data, 1, 0), dashed: true });
    for (const output of this.without?.outputs ?? [])
      if (output.everyStep && output.width === 1 && output.data.length === steps)
        curves.push({ label: say("with the cut", "切除之后"), data: output.data, dashed: true, accent: true });
    return curves;
  }

  async cutAgain(): Promise<void> {
    const { facts, cut, gates, reading } = this;
    const fewest = facts?.reads === "text" ? 2 : 1;
    if (!facts || cut.size + gates.length === 0 || (reading?.tokens.length ?? 0) < fewest) {
      this.without = undefined;
      return;
    }
    const units = [...cut].map((unit) => ({ layer: this.layer, unit }));
    const without = await worker().call("cut", { id: facts.id, ...this.what, units, gates });
    // Meanwhile it may have been put back, or something else be read.
    if (cut === this.cut && gates === this.gates && reading === this.reading) this.without = without;
  }

  async toggleCut(unit: number): Promise<void> {
    this.cut = new Set(this.cut);
    if (!this.cut.delete(unit)) this.cut.add(unit);
    await this.try(() => this.cutAgain());
  }

  /** Holds a gate of all units at a value, or lets it go. */
  async hold(gate: string, value: number | undefined): Promise<void> {
    this.gates = this.gates.filter((held) => held.gate !== gate);
    if (value !== undefined) this.gates.push({ layer: this.layer, gate, value });
    await this.try(() => this.cutAgain());
  }

  async putBack(): Promise<void> {
    this.cut = new Set();
    this.gates = [];
    this.without = undefined;
    update();
  }

  /** Where else the state was most like what it is at this step: in a file of one's own, or in what is read. */
  async findNearest(file?: File): Promise<void> {
    await this.try(async () => {
      const { facts, layer, place, reading } = this;
      const { id, reads, channels } = facts!;
      const text = await file?.slice(0, reads === "text" ? 400_000 : 2_000_000).text();
      const corpus: Given | undefined =
        text === undefined ? undefined : reads === "text" ? { text } : { data: seriesOf(text, channels) };
      const nearest = await worker().call("nearest", {
        ...{ id, ...this.what, step: place.step, layer, count: 6 },
        ...(corpus && { corpus }),
      });
      if (reading === this.reading) this.nearest = nearest;
    });
  }

  /** What the worker is given to read. */
  private get what(): Given {
    return this.facts!.reads === "text" ? { text: room.text } : { data: this.data };
  }

  choose(source: Shipped): void {
    this.source = source;
    this.reset();
    void this.read();
  }

  /** A model file, or a tokenizer for the one that is open, or a text or table to read. */
  async open(files: readonly File[]): Promise<void> {
    const kind = (name: string): string => name.toLowerCase().split(".").at(-1) ?? "";
    const tokenizer = files.find((file) => kind(file.name) === "json");
    const model = files.find((file) => !["json", "txt", "csv", "tsv"].includes(kind(file.name)));
    const data = files.find((file) => ["txt", "csv", "tsv"].includes(kind(file.name)));
    const file = model ?? (tokenizer && this.file);
    try {
      if (file) {
        const json = await tokenizer?.text();
        const facts = await worker().call("open", { file, name: file.name, ...(json && { tokenizer: json }) });
        const old = this.source === "own" ? this.facts : undefined;
        this.facts = facts;
        if (old) await worker().call("close", { id: old.id });
        this.file = file;
        this.source = "own";
        this.reset();
      } else if (tokenizer)
        throw new Error(say("Open the model first that this tokenizer belongs to.", "请先打开这个分词器所属的模型。"));
      if (data) {
        const text = await data.slice(0, 2_000_000).text();
        // A table is for a model of numbers: the shipped one, while one for text is open.
        if (kind(data.name) !== "txt" && !file && this.source !== "own" && !readsNumbers(this.source)) {
          room.series = text;
          this.choose("series-lstm");
          return;
        }
        if (this.facts?.reads === "text") room.text = text;
        else room[this.facts?.reads === "tokens" ? "tokens" : "series"] = text;
      }
      await this.read();
    } catch (error) {
      const name = `${(file ?? files[0])?.name}: `;
      this.error = `${name}${explained(error).replace(name, "")}`;
      update();
    }
  }

  private reset(): void {
    this.cut = new Set();
    this.gates = [];
    [this.without, this.nearest, this.reading] = [undefined, undefined, undefined];
    this.fresh = true;
    this.moved = false;
  }

  private async try(work: () => Promise<void>): Promise<void> {
    this.error = undefined;
    try {
      await work();
    } catch (error) {
      this.error = explained(error);
    }
    update();
  }
}

/** What the room gives to a model of this kind. */
const given = ({ reads }: ModelFacts): string =>
  reads === "text" ? room.text : reads === "tokens" ? room.tokens : room.series;

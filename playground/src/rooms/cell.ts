import { html, nothing, type TemplateResult } from "lit";
import { aligned, equations } from "longshort";
import { among, countOf, readAddress, takeAsked, tellAddress, unless } from "../address.ts";
import { Bench, type BenchPlace } from "../cell/bench.ts";
import { details } from "../cell/details-view.ts";
import { diagram, lettersSwitch } from "../cell/diagram-view.ts";
import { editor } from "../cell/editor-view.ts";
import { addressOf, ownCell } from "../cell/own-cell.ts";
import { paceNote } from "../cell/pace-view.ts";
import { stages } from "../cell/stages.ts";
import { LINES, timeline } from "../cell/timeline-view.ts";
import { say } from "../language.ts";
import { tinyModel } from "../models.ts";
import { formula } from "../views/formula.ts";

type Kind = "rnn" | "lstm" | "gru" | "own";
const benches: Readonly<Record<Exclude<Kind, "own">, Bench>> = {
  rnn: new Bench(() => tinyModel("recall-rnn")),
  lstm: new Bench(() => tinyModel("recall-lstm")),
  gru: new Bench(() => tinyModel("recall-gru")),
};

export function cellRoom(rest: readonly string[]): TemplateResult {
  const kind: Kind = rest[0] === "rnn" || rest[0] === "gru" || rest[0] === "own" ? rest[0] : "lstm";
  const written = kind === "own" ? editor(rest[1]) : nothing;
  const bench = kind === "own" ? ownCell.bench : benches[kind];
  const asked = takeAsked();
  if (asked) bench.show(placeIn(asked));
  const usual = kind === "own" ? "pytorch" : "note";
  if (bench.ready) tellAddress(["cell", ...readAddress().rest].join("/"), inAddress(bench.place, usual));
  const about: Readonly<Record<Kind, string>> = {
    rnn: say("One state, overwritten at every step.", "只有一个状态，每一步都被改写。"),
    lstm: say(
      "Two states: c is carried on, h is shown. Three gates decide.",
      "两个状态：c 往后传，h 给外面看；三个门来决定。",
    ),
    gru: say(
      "One state, two gates: as much as is forgotten is filled in anew.",
      "一个状态、两个门：忘掉多少，就补进多少新的。",
    ),
    own: say(
      "Write its equations: diagram, numbers and formulas follow from them.",
      "写下方程，结构图、数值和公式都由它得出。",
    ),
  };
  return html`<section class="room cell">
    <header class="lead">
      <h1>${say("The cell", "单元")}</h1>
      <p>${
        kind === "own"
          ? say(
              "A cell is a handful of equations. Change them, or write your own: what you see below is drawn and computed from your words, step by step.",
              "一个单元就是几行方程。改一改，或者从头自己写：下面的图和数值都由你写的方程一步步算出来。",
            )
          : say(
              "A network of four units has learned one thing: to recall the letter at the beginning of the line when “?” comes. Step through the line and watch where it keeps the letter. Every box is drawn from the equations of the cell; every number is what the library computed.",
              "这个只有四个单元的网络学会了一件事：遇到“?”时，说出行首的字母。一步步走下去，看它把字母记在哪里。每个方框都由单元的方程画出，每个数字都是库里真正算出来的。",
            )
      }</p>
    </header>
    <div class="controls">
      <div class="segmented" role="group" aria-label=${say("Cell", "单元")}>${(
        ["rnn", "lstm", "gru", "own"] as const
      ).map(
        (k) =>
          html`<a href=${k === "own" ? addressOf(ownCell.text) : `#/cell/${k}`} aria-current=${k === kind ? "true" : "false"}>${k === "own" ? say("Your own", "自己写") : k.toUpperCase()}</a>`,
      )}</div>
      <span class="hint">${about[kind]}</span>
      ${kind === "own" ? nothing : lettersSwitch(bench)}
    </div>
    ${written}
    ${bench.error ? html`<p class="error" role="alert">${bench.error}</p>` : nothing}
    ${bench.ready ? stage(bench, kind) : html`<div class="placeholder tall" aria-busy="true">${say("Opening the model…", "正在打开模型……")}</div>`}
  </section>`;
}

function stage(bench: Bench, kind: Kind): TemplateResult {
  return html`
    <div class="stage">
      <div class="side">
        ${timeline(bench)}
        ${paceNote(bench)}
        <details class="equations" style="--lines:${bench.cell.gates.length + bench.cell.states.length}" open><summary>${say("All equations of this cell", "这个单元的全部方程")}</summary>${formula(aligned(equations(bench.cell, { notation: bench.letters })))}</details>
      </div>
      <div class="side">
        ${stages(bench, kind === "rnn")}
        ${diagram(bench)}
        ${details(bench)}
      </div>
    </div>`;
}

/** What an address asks to look at: `?line=B....?B&step=5&stage=forget&look=f&set=o:0,0,0,0`. */
function placeIn(asked: URLSearchParams): BenchPlace {
  const line = among(asked.get("line"), LINES);
  return {
    line: `${line ?? LINES[0]}\n`,
    step: countOf(asked.get("step")),
    stage: asked.get("stage") ?? undefined,
    letters: among(asked.get("letters"), ["note", "pytorch"]),
    looked: asked.get("look") ?? undefined,
    set: asked.getAll("set").flatMap((said) => {
      const [, name, numbers] = /^([\w.]+):([-\d.,e]+)$/.exec(said) ?? [];
      const values = numbers?.split(",").map(Number) ?? [];
      return name !== undefined && values.every(Number.isFinite) ? [[name, values] as const] : [];
    }),
  };
}

function inAddress(
  place: BenchPlace,
  usual: Bench["letters"],
): Readonly<Record<string, string | readonly string[] | undefined>> {
  const { line, step, stage, letters, looked, set } = place;
  return {
    line: unless(line!.trimEnd(), LINES[0]),
    step: unless(step!, 0),
    ...{ stage, look: looked, letters: unless(letters!, usual) },
    set: set!.map(([name, values]) => `${name}:${values.map((v) => Number(v.toPrecision(4))).join(",")}`),
  };
}

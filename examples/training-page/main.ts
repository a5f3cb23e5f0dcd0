// A page that trains a classifier in a worker of its own:  npx vite examples/training-page
import type { ClassPrediction } from "longshort";
import type { News, Order } from "./worker.ts";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const lines = element<HTMLTextAreaElement>("lines");
const field = element<HTMLInputElement>("text");
const button = element<HTMLButtonElement>("learn");
const progress = element<HTMLProgressElement>("progress");
const [figures, status, hint, kinds] = ["figures", "status", "hint", "kinds"].map(element) as HTMLElement[];

const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
const order = (one: Order): void => worker.postMessage(one);
let learning = false;

function setLearning(now: boolean): void {
  learning = now;
  button.textContent = now ? "Stop" : "Learn";
}

/** Bars in the order of the classes; made anew where other kinds are learned. */
function show({ label, probabilities }: ClassPrediction): void {
  const names = Object.keys(probabilities);
  if (names.join("\n") !== [...kinds!.children].map((item) => item.firstChild!.textContent).join("\n"))
    kinds!.replaceChildren(...names.map(row));
  for (const [k, item] of [...kinds!.children].entries()) {
    const p = probabilities[names[k]!]!;
    item.querySelector("progress")!.value = p;
    item.querySelector("output")!.value = `${(100 * p).toFixed(1)} %`;
    item.classList.toggle("best", names[k] === label);
  }
}

function row(name: string): HTMLElement {
  const [item, kind, bar, figure] = ["li", "span", "progress", "output"].map((tag) => document.createElement(tag));
  kind!.textContent = name;
  bar!.setAttribute("aria-label", name);
  figure!.setAttribute("aria-live", "off");
  item!.append(kind!, bar!, figure!);
  return item!;
}

const rightOf = (right: number | undefined): string =>
  right === undefined ? "" : `; ${Math.round(100 * right)}\u00a0% of the validation examples are correct`;

worker.onmessage = ({ data: news }: MessageEvent<News>) => {
  if ("step" in news) {
    progress.value = news.step / news.steps;
    figures!.textContent = `Step ${news.step} of ${news.steps}${rightOf(news.right)}.`;
  } else if ("prediction" in news) {
    if (news.text === field.value) show(news.prediction);
  } else {
    setLearning(false);
    const took = "seconds" in news ? `${news.seconds.toFixed(1)} s of learning` : "";
    status!.textContent =
      "error" in news ? news.error : `${news.ended === "aborted" ? "Stopped" : "Done"} after ${took}.`;
    if (!("error" in news)) hint!.textContent = "Type anything; add lines or kinds of your own, and learn again.";
  }
};
let broken = false;
worker.onerror = ({ message }) => {
  setLearning(false);
  broken = button.disabled = true;
  // There is no message where its file could not be loaded.
  status!.textContent = `The worker failed${message ? `: ${message}` : ""}. Load the page again.`;
};

button.addEventListener("click", () => {
  if (learning) return order({ stop: true });
  setLearning(true);
  progress.value = 0;
  figures!.textContent = status!.textContent = "";
  order({ learn: lines.value });
});
field.addEventListener("input", () => order({ text: field.value }));

const examples = await fetch(new URL("./examples.txt", import.meta.url)).catch(() => undefined);
if (examples?.ok) lines.value = await examples.text();
else status!.textContent = "The examples could not be loaded: write lines of your own.";
lines.disabled = false;
button.disabled = broken;
order({ text: field.value });

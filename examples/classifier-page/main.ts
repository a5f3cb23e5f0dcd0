// A page that classifies surnames with weights that PyTorch saved (train.py):  npx vite examples/classifier-page
import { type Classifier, type Meaning, openClassifier } from "./classifier.ts";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const field = element<HTMLInputElement>("name");
const status = element("status");
/** What the numbers of the model stand for; nothing where its file cannot be had. */
const meaning: Meaning | undefined = await fetch(new URL("./surnames.json", import.meta.url))
  .then((answer) => (answer.ok ? answer.json() : undefined))
  .catch(() => undefined);

const rows = (meaning?.languages ?? []).map((language) => {
  const item = document.createElement("li");
  const [bar, figure] = [document.createElement("progress"), document.createElement("output")];
  bar.setAttribute("aria-label", language);
  item.append(language, bar, figure);
  element("languages").append(item);
  return { item, bar, figure };
});

let classifier: Classifier | undefined;

/** Answers come in the order in which they were asked for, so the last one shown belongs to what stands in the field. */
async function show(): Promise<void> {
  if (!classifier) return;
  const probabilities = await classifier.classify(field.value);
  const highest = Math.max(...probabilities);
  for (const [k, { item, bar, figure }] of rows.entries()) {
    bar.value = probabilities[k]!;
    figure.value = `${(100 * probabilities[k]!).toFixed(1)} %`;
    item.classList.toggle("best", probabilities[k] === highest);
  }
  const read = classifier.letters(field.value);
  element("letters").textContent = read === "" ? "Nothing typed: what it predicts for any name." : `Read as: ${read}`;
}

async function load(file: URL | Blob, name: string, meaning: Meaning): Promise<void> {
  try {
    const opened = await openClassifier(file, meaning, ({ read, total }) => {
      const kilobytes = Math.round((total ?? read) / 1000);
      const share = total === undefined ? "" : `${Math.round((100 * read) / total)} % of `;
      status.textContent = `Loading ${name}: ${share}${kilobytes} kB`;
    });
    classifier?.close();
    classifier = opened;
    await show();
    status.textContent = `${name} is loaded.`;
    field.disabled = false;
    field.placeholder = "Nieminen, Papadopoulos, Kowalski …";
    field.focus();
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error);
  }
}

if (meaning) {
  element("right").textContent =
    `It classifies ${Math.round(100 * meaning.right)} % of the names kept out of training correctly, in ${meaning.languages.length} languages.`;
  field.addEventListener("input", show);
  element<HTMLInputElement>("file").addEventListener("change", ({ target }) => {
    const [file] = (target as HTMLInputElement).files ?? [];
    if (file) void load(file, file.name, meaning);
  });
  await load(new URL("./surnames.pt", import.meta.url), "surnames.pt", meaning);
} else {
  field.placeholder = "";
  status.textContent = "The languages (surnames.json) could not be loaded. Load the page again.";
}

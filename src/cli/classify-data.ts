import { type Examples, type Placed, pick, type Series, type Unlabelled } from "../data/examples.ts";
import { readLabelledTexts } from "../data/labelled-texts.ts";
import { stratifiedSplit } from "../data/stratified-split.ts";
import { readSeries } from "../data/ts-archive.ts";
import type { ClassifySettings } from "../schema/classify.ts";
import { UsageError } from "../shared/errors.ts";

type Columns = Pick<ClassifySettings, "delimiter"> &
  Partial<Pick<ClassifySettings, "text" | "label" | "header" | "series">>;

/** Whether a file holds series: it is said, or its name does. */
export const holdsSeries = (file: string, { series }: Columns): boolean =>
  series === true || /\.ts(\.gz)?$/i.test(file);

/** @throws UsageError "missing-option", and what the readers throw */
export async function readExamples(file: string, columns: Columns): Promise<Examples> {
  if (holdsSeries(file, columns)) return readSeries(file);
  const { text, label } = needed(file, columns, ["text", "label"]);
  return readLabelledTexts(file, { text: text!, label: label!, ...layout(columns) });
}

/** What a run learned from, and what it is measured on: its test part, without one that which it was validated on. */
export async function dividedExamples(
  settings: ClassifySettings,
): Promise<{ readonly train: Examples; readonly measured: Examples }> {
  const { seed, validation, regression, test } = settings;
  const all = await readExamples(settings.file, settings);
  const split = stratifiedSplit(regression ? all.labels.map(() => "") : all.labels, { validation, seed });
  const measured = test === undefined ? pick(all, split.validation) : await readExamples(test, settings);
  return { train: pick(all, split.train), measured };
}

/** The same without labels, where the file may have none. */
export async function readInputs(file: string, columns: Columns): Promise<Placed<Unlabelled | Examples<Series>>> {
  if (holdsSeries(file, columns)) return readSeries(file);
  const { text } = needed(file, columns, ["text"]);
  return readLabelledTexts(file, { text: text!, ...layout(columns) });
}

const layout = ({ delimiter, header }: Columns) => ({ delimiter, ...(header && { header }) });

function needed(file: string, columns: Columns, names: readonly ("text" | "label")[]): Columns {
  for (const name of names)
    if (columns[name] === undefined)
      throw new UsageError(
        "missing-option",
        `--${name}: expected the column of ${file} with the ${name}, got nothing (series are files that end in .ts, or given with --series)`,
      );
  return columns;
}

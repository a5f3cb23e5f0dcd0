import { chooseData, chosen, ofNumbers, wordsOf } from "./choice.ts";
import { live } from "./live.ts";
import { keepChoice } from "./stored-choice.ts";

/** Goes to the training room with a cell of the visitor's own; what is under way there goes on. */
export function trainOwnCell(text: string): void {
  if (!live.busy) {
    if (ofNumbers()) chooseData("recall");
    chosen.settings = { ...chosen.settings, cell: wordsOf(text) };
    keepChoice();
  }
  location.hash = "#/training";
}

/** The smallest and the largest of numbers; ∞ and −∞ of none. `Math.max(...numbers)` takes no more than some hundred thousand. */
export function extremes(numbers: Iterable<number>): [smallest: number, largest: number] {
  let [smallest, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const number of numbers) {
    if (number < smallest) smallest = number;
    if (number > largest) largest = number;
  }
  return [smallest, largest];
}

/** Whether a deviation from a mean is more than rounding: of equal numbers it is rarely 0 to the bit. */
export const varies = (deviation: number, mean: number): boolean => deviation > 1e-12 * Math.abs(mean);

/**
 * What a file of `recipes/` exports as `recipe`.
 *
 * @typedef {object} Recipe
 * @property {string} about what is trained and measured, in one sentence, with how the settings were chosen
 * @property {Readonly<Record<string, string>>} data its files below `datasets/`, by names of its own
 * @property {Readonly<Record<string, object>>} variants settings by name, the first one taken by default: `parity` does what another
 *   system did, `ours` uses our own defaults
 * @property {Readonly<Record<string, string>>} [reach] what a variant is held against, in words
 * @property {(given: Given) => Promise<{ measures: Record<string, number>, details?: object }>} run trains with one seed and reads the
 *   test part once
 *
 * @typedef {object} Given
 * @property {any} settings the variant's
 * @property {number} seed
 * @property {Readonly<Record<string, string>>} data paths of the recipe's files by their names
 * @property {string} saved a file of this seed's own, where a long training may keep what it needs to go on
 * @property {(line: string) => void} log to the terminal and the log file
 */

/** Only checks the shape. @param {Recipe} recipe */
export const defineRecipe = (recipe) => recipe;

import { seriesRecipe } from "../series.mjs";

export const recipe = seriesRecipe("GunPoint", {
  about: "a gun drawn or a finger pointed, by the movement of the hand, 150 steps",
  variants: { ours: {} },
});

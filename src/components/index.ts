/**
 * Parts of the playground for pages of your own. Nothing is registered when it is imported.
 *
 * @module longshort/components
 */

export { colourOf, inkOn, legendOf, type Scale, scaleOf } from "./colour.ts";
export { shown, shownPower, shownToken } from "./format.ts";
export { type Band, defineHeatMap, type HeatMapContent, HeatMapElement, type HeatMapPlace } from "./heat-map.ts";

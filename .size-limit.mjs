// Ceilings for what a page downloads, minified, brotli. A ceiling is raised only together with the reason for it, here.
const common = { brotli: true, path: "dist/index.js", modifyEsbuildConfig: forBrowser };

/** A page's bundler takes the browser's half of the platform, from dist/ and not through the paths of tsconfig.json. */
function forBrowser(config) {
  return {
    ...config,
    tsconfigRaw: {},
    platform: "browser",
    format: "esm",
    conditions: ["browser", "import", "default"],
  };
}

export default [
  {
    ...common,
    name: "one cell: import { lstm }",
    import: "{ lstm }",
    // A cell is its equations and the recorder they are written with; no derivative, printer or machine may come along.
    limit: "1.5 kB",
  },
];

/** What all pages that commands write share: colours for light and dark, text, tables, figures. */
export const PAGE_STYLE = `
:root {
  --paper: #fbfaf8; --card: #fff; --ink: #1c1b19; --quiet: #6f6b64; --line: #e7e3dc; --grid: #f0ede7; --shade: rgb(0 0 0 / .14);
  --run-0: #0068a8; --run-1: #c8500a; --run-2: #00835f; --run-3: #b0508a; --run-4: #b97f00; --run-5: #3795cf; --run-6: #77736c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #141412; --card: #1c1b19; --ink: #ece9e3; --quiet: #98938a; --line: #33312d; --grid: #262421; --shade: rgb(0 0 0 / .6);
    --run-0: #5cb3ee; --run-1: #ff8d4d; --run-2: #3ecf9f; --run-3: #e58dbf; --run-4: #f0bd4a; --run-5: #9bd4f7; --run-6: #a8a39a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; font-variant-numeric: tabular-nums; }
main { max-width: 1180px; margin: 0 auto; padding: 48px 24px 72px; }
header p { margin: 0; color: var(--quiet); font-size: 13px; letter-spacing: .04em; }
h1 { margin: 0 0 28px; font-size: 30px; font-weight: 600; letter-spacing: -.015em; }
/* A shadow on the side to which a table goes on. */
.table { overflow-x: auto; background: linear-gradient(90deg, var(--paper) 40%, transparent) 0 / 48px 100% local no-repeat, linear-gradient(270deg, var(--paper) 40%, transparent) 100% / 48px 100% local no-repeat, linear-gradient(90deg, var(--shade), transparent) 0 / 16px 100% no-repeat, linear-gradient(270deg, var(--shade), transparent) 100% / 16px 100% no-repeat; }
table { border-collapse: collapse; min-width: 100%; }
th, td { padding: 9px 20px 9px 0; text-align: right; white-space: nowrap; font-weight: 400; border-bottom: 1px solid var(--line); }
th:first-child { text-align: left; }
thead th { color: var(--quiet); font-size: 13px; padding-top: 0; }
figure { margin: 0; padding: 18px 18px 10px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; position: relative; min-width: 0; }
figcaption { font-size: 14px; font-weight: 600; margin-bottom: 6px; }
svg { display: block; width: 100%; height: auto; overflow: visible; touch-action: pan-y; }
svg text { fill: var(--quiet); font-size: 11px; }
.grid { stroke: var(--grid); } .axis { stroke: var(--line); } .cross { stroke: var(--quiet); stroke-dasharray: 2 3; }
.curve { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
.dot { stroke: var(--card); stroke-width: 1.5; }
`;

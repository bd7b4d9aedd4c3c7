// The look of the report: one style sheet, light and dark, screen and paper, no outside resource.
// Colours carry one meaning each. States (done, dropped, failed) and splits follow the palette for colour-blind readers of
// Okabe and Ito (2008), shifted until each stands out from the background at 3:1 or more and dropped from failed by lightness;
// a state has a sign of its own as well (● ◆ ▲).

export const style = `
:root {
  color-scheme: light dark;
  --paper: #fcfcfa; --card: #ffffff; --ink: #1b1d20; --muted: #5b6068; --line: #e2e2dc; --hair: #ecece7; --track: #efefea;
  --done: #00956b; --dropped: #bd8400; --failed: #a6211b; --flow: #8c929b; --derived: #7a5cc0;
  --train: #0069a8; --validation: #3f92cc; --test: #b0568d;
  --good-bg: #e8f5ef; --bad-bg: #fbeae8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #131517; --card: #1a1c1f; --ink: #ebebe8; --muted: #a2a7ae; --line: #303438; --hair: #26292c; --track: #25282c;
    --done: #2fb48b; --dropped: #f0c04f; --failed: #e4594e; --flow: #767d86; --derived: #a48ce0;
    --train: #4aa3e0; --validation: #a5d3f5; --test: #d98cbc;
    --good-bg: #14291f; --bad-bg: #331a18;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums; overflow-wrap: anywhere;
}
.page { max-width: 1180px; margin: 0 auto; padding: 48px 32px 72px; }
h1, h2, .lead, .text { font-family: Charter, "Iowan Old Style", "Palatino Linotype", Georgia, "Liberation Serif", serif; }
h1 { font-size: clamp(1.9rem, 1.2rem + 2.6vw, 2.9rem); line-height: 1.1; letter-spacing: -0.015em; font-weight: 600; margin: 0; }
h2 { font-size: 1.4rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.005em; margin: 0 0 8px; }
h3 { font-size: 0.95rem; line-height: 1.35; font-weight: 600; margin: 0 0 8px; }
h3 small { font-weight: 400; margin-left: 0.3em; }
p { margin: 0 0 10px; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: 3px; }
a:hover { text-decoration-color: currentColor; }
:focus-visible { outline: 2px solid var(--train); outline-offset: 2px; border-radius: 3px; }
small, .muted { color: var(--muted); }
small { font-size: 0.82em; }
code, .id { font: 0.86em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }

header { display: grid; gap: 12px; margin-bottom: 28px; }
.over { margin: 0; font-size: 0.78rem; letter-spacing: 0.09em; text-transform: uppercase; color: var(--muted); }
.lead { font-size: 1.2rem; line-height: 1.5; max-width: 46em; margin: 0; }
nav ul { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 24px 0 0; padding: 0; font-size: 0.88rem; color: var(--muted); }

.tiles { display: grid; grid-template-columns: repeat(7, minmax(0, 1fr)); gap: 0; margin: 0; border-block: 1px solid var(--line); }
.tiles > div { padding: 14px 16px 12px; border-left: 1px solid var(--hair); }
.tiles > div:first-child { border-left: 0; padding-left: 0; }
.tiles dt { font-size: 0.82rem; color: var(--muted); }
.tiles dd { margin: 0; }
.tiles .figure { font-size: 1.6rem; line-height: 1.25; font-weight: 600; letter-spacing: -0.02em; white-space: nowrap; }
.tiles .figure small { font-weight: 400; letter-spacing: 0; font-size: 0.55em; }

.bar { display: block; width: 100%; height: 8px; background: var(--track); border-radius: 2px; overflow: hidden; }
.bar.wide { height: 14px; margin-bottom: 18px; border-radius: 3px; }
.bars { display: grid; gap: 2px; }
.bars .bar { height: 4px; border-radius: 1px; }
.done { fill: var(--done); } .dropped { fill: var(--dropped); } .failed { fill: var(--failed); } .flow { fill: var(--flow); }
.train { fill: var(--train); } .validation { fill: var(--validation); } .test { fill: var(--test); }
.sign { display: inline-block; width: 0.72em; height: 0.72em; margin-right: 0.4em; vertical-align: -0.02em; overflow: visible; }

.note { padding: 12px 16px; border-radius: 6px; border-left: 4px solid; margin: 18px 0 0; }
.note.good { background: var(--good-bg); border-color: var(--done); }
.note.bad { background: var(--bad-bg); border-color: var(--failed); }
.note p, .note ul { margin: 0; }
.note ul { padding-left: 1.2em; }
.note details { margin: 4px 0 0; }

section { display: grid; grid-template-columns: 200px minmax(0, 1fr); gap: 8px 48px; padding: 40px 0 8px; margin-top: 40px; border-top: 1px solid var(--line); }
section > .about { font-size: 0.9rem; color: var(--muted); }
section > .about h2 { color: var(--ink); }
.block { margin-bottom: 32px; }
.grid2 { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 8px 40px; align-items: start; }
.columns { columns: 2 380px; column-gap: 40px; }
.columns > * { break-inside: avoid; }
.grid3 { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 16px 28px; align-items: start; }
.empty { color: var(--muted); font-style: italic; margin: 4px 0 24px; }

table { width: 100%; border-collapse: collapse; font-size: 0.92rem; margin-bottom: 12px; }
th, td { text-align: right; min-width: 4.3em; padding: 7px 0 7px 14px; border-bottom: 1px solid var(--hair); vertical-align: top; font-weight: 400; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { font-size: 0.8rem; color: var(--muted); border-bottom-color: var(--line); vertical-align: bottom; line-height: 1.3; overflow-wrap: normal; }
thead th.name { overflow-wrap: anywhere; }
td { white-space: nowrap; }
td.words, th.words { text-align: left; white-space: normal; }
td small { display: block; line-height: 1.2; }
tbody th { font-weight: 500; }
tr.part th, tr.part td { border-bottom: 0; padding-block: 0 5px; font-size: 0.9em; color: var(--muted); font-weight: 400; }
tr.part th { padding-left: 14px; }
tr.holder th, tr.holder td { border-bottom: 0; }
tr.end > * { border-bottom: 1px solid var(--hair) !important; padding-bottom: 9px !important; }
tfoot th, tfoot td { border-bottom: 0; font-weight: 600; }
.whole { white-space: nowrap; }
.withbar { display: grid; grid-template-columns: minmax(7.2em, 3fr) minmax(4em, 4fr); gap: 4px 16px; align-items: center; }
.same { color: var(--muted); }
tr.part.changed th, tr.part.changed td { color: var(--ink); }

figure { margin: 0; }
figcaption { font-size: 0.88rem; font-weight: 600; }
figcaption small { font-weight: 400; }
.chart { display: block; width: 100%; max-width: 420px; height: auto; color: var(--muted); font-family: inherit; overflow: visible; }
.chart text { font-size: 10.5px; }

details { margin: 6px 0 12px; }
summary { cursor: pointer; font-size: 0.88rem; color: var(--muted); width: fit-content; }
summary:hover { color: var(--ink); }
details[open] > summary { margin-bottom: 8px; }
.rows { list-style: none; margin: 0 0 8px; padding: 0; display: grid; gap: 12px; }
.rows > li { padding-left: 14px; border-left: 2px solid var(--line); font-size: 0.92rem; }
.rows p { margin: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr)); gap: 16px; align-items: start; margin-bottom: 28px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 6px; padding: 14px 16px; min-width: 0; }
.card p { margin: 0 0 8px; }
.card p:last-child { margin-bottom: 0; }
.text { white-space: pre-wrap; unicode-bidi: plaintext; line-height: 1.5; tab-size: 2; }
.chips { display: flex; flex-wrap: wrap; gap: 4px 6px; margin: 0 0 8px; padding: 0; list-style: none; font-size: 0.78rem; }
.chips li { padding: 1px 7px; border: 1px solid var(--line); border-radius: 99px; color: var(--muted); max-width: 100%; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 24px; margin: 0 0 28px; font-size: 0.92rem; }
.facts dt { color: var(--muted); }
.facts dd { margin: 0; }
footer { margin-top: 48px; padding-top: 16px; border-top: 1px solid var(--line); font-size: 0.82rem; color: var(--muted); }

@media (max-width: 900px) {
  section { grid-template-columns: minmax(0, 1fr); padding-top: 28px; margin-top: 28px; }
  section > .about { max-width: 46em; margin-bottom: 8px; }
  .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .tiles > div:nth-child(4n + 1) { border-left: 0; padding-left: 0; }
  .tiles > div:nth-child(n + 5) { border-top: 1px solid var(--hair); }
}
@media (max-width: 560px) {
  .page { padding: 28px 16px 48px; }
  .lead { font-size: 1.08rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tiles > div:nth-child(4n + 1) { padding-left: 16px; border-left: 1px solid var(--hair); }
  .tiles > div:nth-child(odd) { border-left: 0; padding-left: 0; }
  .tiles > div:nth-child(n + 3) { border-top: 1px solid var(--hair); }
  th, td { padding-left: 8px; min-width: 0; }
  table { font-size: 0.85rem; }
  .whole { white-space: nowrap; }
.withbar { grid-template-columns: minmax(0, 1fr); }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd { margin-bottom: 8px; }
  .wide-only { display: none; }
}
@media print {
  :root { --paper: #fff; --card: #fff; --track: #eee; }
  body { font-size: 10.5pt; }
  .page { max-width: none; padding: 0; }
  nav { display: none; }
  section { grid-template-columns: minmax(0, 1fr); margin-top: 20px; padding-top: 16px; }
  tr, figure, .card, .note, .rows > li { break-inside: avoid; }
  h2, h3, thead { break-after: avoid; }
  details:not([open]) { display: none; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
`

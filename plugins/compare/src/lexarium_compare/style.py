"""The look of the page: one style sheet, light and dark, screen and paper; nothing from the network."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --card: #ffffff; --ink: #1d2430; --soft: #5b6575; --line: #e2e5ea; --grid: #eceef2;
  --accent: #0b63ce; --tint: #eef4fd; --warn: #9a4a00; --warn-tint: #fdf3e7; --floor: #8a93a2;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #11151b; --card: #171c24; --ink: #e7eaf0; --soft: #9ca7b7; --line: #2c3441; --grid: #212834;
    --accent: #6fb1ff; --tint: #16253a; --warn: #f0b070; --warn-tint: #2d2317; --floor: #7d8899;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "PingFang SC",
    "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
}
main { max-width: 1080px; margin: 0 auto; padding: 48px 28px 64px; }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; margin: 0 0 10px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 44px 0 12px; }
.facts { margin: 0; color: var(--soft); font-size: 14.5px; overflow-wrap: anywhere; }
.facts dt, .facts dd { display: inline; margin: 0; }
.facts dd { color: var(--ink); margin-right: 14px; font-variant-numeric: tabular-nums; }
.facts div { display: inline-block; }
.advice {
  margin: 28px 0 0; padding: 18px 22px; border-left: 4px solid var(--accent); border-radius: 0 8px 8px 0;
  background: var(--tint); font-size: 20px; line-height: 1.45; overflow-wrap: anywhere;
}
.advice.none { border-color: var(--warn); background: var(--warn-tint); }
figure, .scroll, pre { border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
figure { margin: 32px 0 0; padding: 20px 16px 12px; overflow-x: auto; }
figcaption { color: var(--soft); font-size: 13.5px; padding: 4px 8px 2px; }
.plot { display: block; width: 100%; min-width: 620px; height: auto; overflow: visible; }
.plot text { fill: var(--ink); font-size: 13px; }
.plot .tick, .plot .axis { fill: var(--soft); font-size: 12px; font-variant-numeric: tabular-nums; }
.plot .grid { stroke: var(--grid); }
.plot .floor { stroke: var(--floor); stroke-dasharray: 2 4; stroke-width: 1.5; }
.plot .floor-name { fill: var(--soft); font-size: 12px; }
.plot .under { fill: var(--accent); opacity: 0.06; }
.plot .frontier { fill: none; stroke: var(--accent); stroke-width: 1.5; opacity: 0.65; }
.plot .leader { stroke: var(--soft); stroke-width: 1; opacity: 0.8; }
.plot .name { paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; }
.plot .chosen { font-weight: 700; }
.plot .value { fill: var(--soft); font-weight: 400; font-variant-numeric: tabular-nums; }
.plot .whisker { stroke: var(--soft); stroke-width: 1.3; fill: none; opacity: 0.55; }
.plot .on .whisker { stroke: var(--accent); opacity: 0.8; }
.plot .dot { stroke: var(--soft); stroke-width: 2; fill: var(--card); }
.plot .on .dot { stroke: var(--accent); fill: var(--accent); }
.plot .ring { fill: none; stroke: var(--accent); stroke-width: 1.5; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 9px 10px; text-align: right; vertical-align: baseline; white-space: nowrap; }
th:first-child, td.why { text-align: left; }
td.why { white-space: normal; overflow-wrap: anywhere; color: var(--soft); }
thead th {
  font-weight: 600; font-size: 12.5px; color: var(--soft); vertical-align: bottom;
  border-bottom: 1px solid var(--line);
}
tbody th { font-weight: 500; white-space: normal; overflow-wrap: anywhere; min-width: 11em; }
tbody tr + tr > * { border-top: 1px solid var(--grid); }
tr.chosen > * { background: var(--tint); }
tr.chosen th { font-weight: 700; }
td small { display: block; color: var(--soft); font-size: 12px; }
.mark { color: var(--accent); font-weight: 600; }
.unmarked { color: var(--soft); }
.left { text-align: left; }
.notes { color: var(--soft); font-size: 14px; padding-left: 20px; margin: 0; }
.notes li { margin: 3px 0; }
pre {
  margin: 0; padding: 14px 16px; overflow-x: auto;
  font: 13.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono CJK SC", monospace;
  white-space: pre-wrap; overflow-wrap: anywhere;
}
@media (max-width: 640px) {
  main { padding: 28px 16px 40px; }
  h1 { font-size: 24px; }
  .advice { font-size: 18px; }
}
@media print {
  @page { size: A4 landscape; margin: 12mm; }
  body { font-size: 12px; background: none; }
  main { max-width: none; padding: 0; }
  figure, .scroll, .advice, pre { break-inside: avoid; print-color-adjust: exact; }
  figure { max-width: 680px; overflow: visible; }
  .scroll { overflow: visible; }
  .plot { min-width: 0; }
  h2 { break-after: avoid; }
  table { font-size: 11px; }
  th, td { padding: 5px 6px; }
}
"""

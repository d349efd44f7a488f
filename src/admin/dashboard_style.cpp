#include "admin/dashboard.hpp"

namespace fairing::admin {

const std::string_view dashboard_css = R"css(
:root { color-scheme: light dark; --bg: #f6f7f9; --card: #fff; --text: #1b1f24; --dim: #5b6470; --line: #dfe3e8;
  --accent: #1558b0; --pass: #1a7340; --warn: #8a5a00; --fail: #b3261e; --bar: #b9d3f5; }
@media (prefers-color-scheme: dark) { :root { --bg: #12151a; --card: #1b2027; --text: #e6e9ed; --dim: #a0a9b4;
  --line: #313943; --accent: #8ab8f5; --pass: #63c98a; --warn: #e5b04a; --fail: #ff8a80; --bar: #2b4a73; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 0 16px 24px; max-width: 1180px; background: var(--bg); color: var(--text); }
header { display: flex; flex-wrap: wrap; gap: 4px 20px; align-items: baseline; padding: 14px 0 6px; }
h1 { font-size: 20px; margin: 0; letter-spacing: -.01em; }
nav { display: flex; gap: 14px; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
#state { margin: 0 0 0 auto; color: var(--dim); }
#state::before { content: "●"; margin-right: 6px; color: var(--dim); }
#state.live::before { color: var(--pass); }
#state.lost, #state.lost::before { color: var(--fail); }
#alert { margin: 6px 0; padding: 8px 12px; border-left: 4px solid var(--fail); background: var(--card); }
#tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 10px; margin: 8px 0 0; }
#tiles > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 8px 12px; }
dt { color: var(--dim); font-size: 12px; }
dd { margin: 0; font-size: 21px; font-variant-numeric: tabular-nums; white-space: nowrap; }
dd small { display: block; font-size: 12px; color: var(--dim); white-space: normal; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 4px 14px 12px; margin-top: 14px; scroll-margin-top: 8px; }
h2 { font-size: 16px; margin: 8px 0 4px; }
h2 small { font-size: 12px; font-weight: 400; color: var(--dim); margin-left: 6px; }
h3 { font-size: 13px; margin: 14px 0 2px; color: var(--dim); font-weight: 600; }
.table { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; font-size: 12px; color: var(--dim); white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.k { white-space: nowrap; }
code, pre { font: 12.5px/1.45 ui-monospace, monospace; }
td code { overflow-wrap: anywhere; }
td.wide { min-width: 260px; overflow-wrap: anywhere; }
td.name { min-width: 110px; overflow-wrap: anywhere; }
td details { border: 0; padding: 0; }
.nb { white-space: nowrap; }
.under { display: block; font-size: 12px; white-space: normal; }
h3 label, h3 small, h3 select, h3 input { font-weight: 400; }
h3 label:first-child { font-weight: 600; }
pre { margin: 4px 0; padding: 8px 10px; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--bg); border: 1px solid var(--line); border-radius: 6px; }
details { border-bottom: 1px solid var(--line); padding: 5px 0; }
details:last-child { border-bottom: 0; }
summary { cursor: pointer; }
summary .first { color: var(--dim); }
details > *:not(summary) { margin-left: 18px; }
details ul { margin: 4px 0; padding-left: 18px; overflow-wrap: anywhere; }
.grade { display: inline-block; min-width: 86px; margin-right: 8px; font-weight: 600; }
.number { display: inline-block; min-width: 22px; text-align: right; margin-right: 6px; color: var(--dim); }
.pass, .up { color: var(--pass); } .warn, .ejected { color: var(--warn); } .fail, .down { color: var(--fail); }
.not_seen, .dim { color: var(--dim); }
meter { width: 90px; height: 10px; vertical-align: middle; }
input, button { font: inherit; color: inherit; padding: 5px 9px; border: 1px solid var(--line); border-radius: 6px; background: var(--bg); }
input { width: min(420px, 100%); }
input.short { width: 150px; }
select { font: inherit; color: inherit; padding: 4px 6px; border: 1px solid var(--line); border-radius: 6px; background: var(--bg); }
button { cursor: pointer; background: var(--accent); color: var(--card); border-color: var(--accent); }
button.quiet { background: none; color: var(--accent); padding: 1px 8px; margin-right: 4px; border-color: var(--line); white-space: nowrap; }
button.quiet:hover { border-color: var(--accent); }
.row > span { display: inline-flex; gap: 6px; align-items: center; }
.row { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; margin: 6px 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 8px 16px; margin: 8px 0; }
.facts dd, .forms dd { font-size: 14px; white-space: normal; overflow-wrap: anywhere; }
.forms { margin: 2px 0 0; }
.forms > div { display: grid; grid-template-columns: 90px 1fr; gap: 8px; padding: 2px 0; }
body[data-view=job] main > :not(#job) { display: none; }
#said { position: fixed; left: 50%; bottom: 16px; transform: translateX(-50%); margin: 0; padding: 8px 14px; max-width: min(680px, 92vw); background: var(--text); color: var(--card); border-radius: 8px; box-shadow: 0 4px 18px #0006; z-index: 2; overflow-wrap: anywhere; }
#said.fail { background: var(--fail); color: var(--card); }
dialog { border: 1px solid var(--line); border-radius: 10px; background: var(--card); color: var(--text); padding: 14px 18px; max-width: min(520px, 92vw); overflow-wrap: anywhere; }
dialog::backdrop { background: #0008; }
footer { color: var(--dim); margin-top: 14px; font-size: 12px; }
@media (max-width: 560px) { body { padding: 0 10px 20px; } section { padding: 4px 10px 10px; } #state { margin: 0; width: 100%; }
  dd { font-size: 18px; } #tiles { grid-template-columns: 1fr 1fr; } input, button, select, summary { min-height: 40px; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody { display: block; } tr { display: grid; grid-template-columns: 1fr 1fr; gap: 0 20px; padding: 6px 0; border-bottom: 1px solid var(--line); }
  tr:last-child { border-bottom: 0; }
  td { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 12px; padding: 1px 0; border: 0; text-align: right; white-space: normal; }
  td::before { content: attr(data-title); color: var(--dim); font-size: 12px; }
  td:first-child::before, td.wide::before, td[data-title=""]::before { content: none; }
  td:first-child, td.wide, td[data-title=""] { display: block; grid-column: 1 / -1; text-align: left; } td:empty { display: none; }
  button.quiet { padding: 5px 12px; margin: 4px 6px 2px 0; } .row > span { flex-wrap: wrap; } }
)css";

}  // namespace fairing::admin

"""The style of a page that stands alone: light and dark, on paper too, nothing loaded from anywhere."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c1f26; --soft: #5b6270; --line: #d9dde5; --back: #fff; --card: #f6f7f9;
  --serious: #b3261e; --warning: #8a5a00; --note: #1f5fbf; --ok: #1b7a3d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaf0; --soft: #a3abba; --line: #343a46; --back: #14171d;
  --card: #1c2028; --serious: #ff8a80; --warning: #ffc864; --note: #8ab8ff; --ok: #7ddc9b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { margin: 0; font-size: 1.9rem; }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.25rem; break-after: avoid; }
.lead { margin: .25rem 0 1rem; font-size: 1.15rem; color: var(--soft); overflow-wrap: anywhere; }
.small { font-size: .85rem; color: var(--soft); overflow-wrap: anywhere; }
.facts { padding-left: 1.1rem; color: var(--soft); overflow-wrap: anywhere; }
a { color: inherit; }
table { width: 100%; border-collapse: collapse; margin: 1rem 0; }
th, td { padding: .45rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
th { font-size: .8rem; color: var(--soft); font-weight: 600; }
td:first-child { white-space: nowrap; }
.counts td:first-child { white-space: normal; width: 40%; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.bar { display: block; height: .8rem; min-width: 1px; background: var(--note); border-radius: 2px; }
.chip { display: inline-block; padding: 0 .5rem; border: 1px solid currentcolor; border-radius: 1rem; font-size: .8rem;
  font-weight: 600; color: var(--soft); white-space: nowrap; vertical-align: middle; }
.serious { color: var(--serious); } .warning { color: var(--warning); } .note { color: var(--note); }
.ok { color: var(--ok); }
dl { display: flex; flex-wrap: wrap; gap: .5rem; margin: .75rem 0; }
dl div { padding: .4rem .75rem; background: var(--card); border-radius: .4rem; }
dt { font-size: .75rem; color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; font-weight: 600; }
ol { padding-left: 2.2rem; } li { margin: .3rem 0; overflow-wrap: anywhere; }
code { font: .88em/1.5 ui-monospace, monospace; background: var(--card); padding: .05rem .3rem; border-radius: .25rem;
  white-space: pre-wrap; }
@media (max-width: 40rem) { .results thead { display: none; } .results td { display: block; border: 0; padding: 0; }
  .results tr { display: block; padding: .6rem 0; border-bottom: 1px solid var(--line); } }
@media print { :root { --back: #fff; --ink: #000; --card: #f2f2f2; } main { max-width: none; padding: 0; }
  li, tr, dl { break-inside: avoid; } }
"""

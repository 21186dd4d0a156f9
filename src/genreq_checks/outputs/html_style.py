"""The look of the HTML report: light and dark, narrow and on paper. Everything is scoped to `.gq`, to stand in a notebook too."""

from __future__ import annotations

LIGHT = (
    "color-scheme:light;--paper:#fff;--panel:#f6f7f9;--ink:#1b1f24;--soft:#545c66;--line:#d3d9e0;--link:#0550ae;"
    "--pass:#1a7030;--warn:#855200;--fail:#b3201a;--unknown:#7233b5;--skip:#545c66"
)
DARK = (
    "color-scheme:dark;--paper:#11151a;--panel:#1a2027;--ink:#e7ebef;--soft:#a3adb8;--line:#3a434d;--link:#8ab8ff;"
    "--pass:#5fd677;--warn:#ecb84a;--fail:#ff8f86;--unknown:#cda6ff;--skip:#a3adb8"
)

FRAGMENT = """
.gq{LIGHT;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;
 text-align:left;overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){.gq{DARK}}
:is(.light,.light-theme,[data-jp-theme-light="true"]) .gq{LIGHT}
:is(.dark,.dark-theme,[data-jp-theme-light="false"]) .gq{DARK}
.gq *{box-sizing:border-box}
.gq :is(h1,h2,p,ul,dl,dd,table){margin:0;padding:0}
.gq h1{font-size:1.45rem;line-height:1.3;font-weight:650}
.gq h2{font-size:1.1rem;font-weight:650;margin:2.2rem 0 .7rem}
.gq .about{color:var(--soft);margin-top:.35rem}
.gq .reason{margin-top:.8rem;padding:.7rem .9rem;background:var(--panel);border-left:4px solid var(--unknown)}
.gq .counts{display:flex;flex-wrap:wrap;gap:.4rem 1.4rem;list-style:none;margin-top:.9rem}
.gq .outcome{display:inline-flex;align-items:baseline;gap:.4em;font-weight:650;white-space:nowrap}
.gq .outcome svg{width:1.15em;height:1.15em;flex:none;align-self:center}
.gq .pass{color:var(--pass)} .gq .warn{color:var(--warn)} .gq .fail{color:var(--fail)}
.gq .unknown{color:var(--unknown)} .gq .skip{color:var(--skip)}
.gq table{border-collapse:collapse;width:100%;background:none;font-size:inherit;color:inherit}
.gq caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
.gq :is(th,td){padding:.55rem .7rem;border:0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
.gq thead th{font-size:.8rem;font-weight:600;color:var(--soft);border-bottom:2px solid var(--line);vertical-align:bottom}
.gq tbody th{font-weight:600}
.gq tbody tr{background:none}
.gq .number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.gq :is(code,.id){font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em;background:none;color:inherit}
.gq .small{color:var(--soft);font-size:.87em;font-weight:400}
.gq td ul{list-style:none;display:grid;gap:.6rem}
.gq .mixed{display:grid;grid-template-columns:auto 1fr;gap:.5em}
.gq details{margin-top:.35rem}
.gq summary{cursor:pointer;color:var(--link);font-size:.87em;width:fit-content}
.gq :is(summary,a,.scroll):focus-visible{outline:2px solid var(--link);outline-offset:2px}
.gq .facts{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.1rem .9rem;font-size:.87em;margin:.4rem 0 0}
.gq .facts dt{color:var(--soft)} .gq .facts dd{font-variant-numeric:tabular-nums}
.gq .scroll{overflow-x:auto}
.gq .scroll table{overflow-wrap:normal}
.gq .stack{table-layout:fixed}
.gq .checks thead th:nth-child(1){width:8.4rem} .gq .checks thead th:nth-child(2){width:18.3rem}
.gq .checks thead th:nth-child(3){width:6.4rem} .gq .checks thead th:nth-child(5){width:9.5rem}
.gq .checks thead th:nth-child(6){width:13rem} .gq .requirements thead th:nth-child(1){width:10rem}
@media (max-width:62rem){
 .gq .stack thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
 .gq .stack,.gq .stack :is(tbody,tr,th,td){display:block;border:0;padding:.15rem 0}
 .gq .stack tr{border-top:1px solid var(--line);padding:.8rem 0}
 .gq .stack td[data-name]::before{content:attr(data-name) ": ";color:var(--soft);font-size:.87em}
 .gq .stack td[data-name] ul{display:inline-grid}
 .gq .stack td:empty{display:none}
}
@media print{
 .gq{LIGHT;font-size:10.5pt}
 .gq tr{break-inside:avoid} .gq thead{display:table-header-group}
 .gq summary{color:inherit;list-style:none}
 .gq details::details-content{content-visibility:visible;block-size:auto}
}
"""

PAGE = """
html{LIGHT;background:var(--paper)}
@media (prefers-color-scheme:dark){html{DARK}}
body{margin:0}
.gq.page{max-width:76rem;margin:0 auto;padding:1.6rem 1.4rem 3rem}
.gq footer{margin-top:2.6rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.87em}
.gq footer ul{list-style:none}
.gq figure{margin:0 0 1rem}
.gq .chart svg{max-width:100%;height:auto;display:block}
@media print{html{LIGHT} .gq.page{max-width:none;padding:0}}
"""


def style(page: bool) -> str:
    """The style sheet of a notebook's fragment, or of the whole page."""
    text = FRAGMENT + (PAGE if page else "")
    return text.replace("LIGHT", LIGHT).replace("DARK", DARK)

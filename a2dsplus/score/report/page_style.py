"""The report page's style sheet."""

STYLE = """
:root{--page:#fbfbfa;--card:#fff;--ink:#1d1f24;--soft:#5d6370;--line:#e4e5e8;--rail:#f0f0f2;
--c0:#2a78d6;--c1:#d9622b;--c2:#12906a;--c3:#8a5cd1;--c4:#b8860b;--c5:#c2437d;--right:#1aaf7a;--wrong:#f06e28;--missed:#3a82f6}
@media (prefers-color-scheme:dark){:root{--page:#131519;--card:#1b1e24;--ink:#e8eaee;--soft:#9aa1ae;--line:#2d323b;--rail:#262a32;
--c0:#5b9ff0;--c1:#f08a58;--c2:#3cbf93;--c3:#ab87e8;--c4:#d9aa3c;--c5:#e573a4}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1120px;margin:0 auto;padding:32px 24px 64px}
h1{font-size:28px;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:19px;margin:40px 0 12px;padding-top:18px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:0 0 8px}
header p{margin:4px 0;color:var(--soft)} header b{color:var(--ink)}
code{font:12px/1.4 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere;color:var(--soft)}
small{color:var(--soft)}
.c0{--own:var(--c0)}.c1{--own:var(--c1)}.c2{--own:var(--c2)}.c3{--own:var(--c3)}.c4{--own:var(--c4)}.c5{--own:var(--c5)}
.right{--own:var(--right)}.wrong{--own:var(--wrong)}.missed{--own:var(--missed)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:16px;margin-top:24px}
.tile{background:var(--card);border:1px solid var(--line);border-top:3px solid var(--own);border-radius:8px;padding:16px 18px}
.tile h3{font-size:18px}.tile p{margin:10px 0 0;color:var(--soft);font-size:13px}
.heads{display:flex;gap:20px;flex-wrap:wrap}.heads span{display:block;color:var(--soft);font-size:12px}
.heads b{font-size:24px;font-weight:650;font-variant-numeric:tabular-nums}
.notes{margin:20px 0 0;padding:10px 14px 10px 32px;background:var(--card);border:1px solid var(--line);border-radius:8px;color:var(--soft);font-size:14px}
.columns,.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr));gap:20px 28px;align-items:start}
.plots{grid-template-columns:repeat(auto-fit,minmax(min(330px,100%),1fr))}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.key{font-size:13px;margin:6px 0 0}.key i{display:inline-block;width:10px;height:10px;border-radius:3px;background:var(--own);margin-right:6px}
.narrow{max-width:640px}.scroll+.scroll{margin-top:28px}
figcaption{color:var(--soft);font-size:13px;margin-top:6px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}
caption{text-align:left;color:var(--soft);font-size:13px;padding:0 0 6px}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap;vertical-align:baseline}
th{font-weight:600;color:var(--soft);font-size:13px}
th:first-child,td:first-child{text-align:left;padding-left:2px}
td small{margin-left:8px;font-size:12px}
table.texts td:nth-child(2),table.texts th:nth-child(2){text-align:left;white-space:normal;min-width:220px}
table.texts td:first-child{white-space:normal}
.legend{display:flex;gap:18px;flex-wrap:wrap;font-size:13px;color:var(--soft);margin-bottom:8px}
.legend i{display:inline-block;width:12px;height:12px;border-radius:3px;background:var(--own);margin-right:6px;vertical-align:-1px}
svg{display:block;width:100%;height:auto;font:12px system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
svg text{fill:var(--soft)} svg .label,svg .value{fill:var(--ink);font-size:12px} svg .axis{font-size:12px}
svg .grid{stroke:var(--line);stroke-width:1} svg .rail{fill:var(--rail)}
svg .series polyline{fill:none;stroke:var(--own);stroke-width:2.2;stroke-linejoin:round} svg .series circle{fill:var(--own);stroke:var(--card);stroke-width:1.5}
svg .bars{fill:var(--own)}
details{margin-top:8px}summary{cursor:pointer;color:var(--soft);font-size:13px}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px}
.card{padding:0;overflow:hidden}.card img{display:block;width:100%;height:auto}.card figcaption{padding:8px 12px 12px;margin:0}
.card b{color:var(--ink)}
section li{margin:4px 0;max-width:90ch}
@media print{:root{--page:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--rail:#eee}
body{font-size:11pt;-webkit-print-color-adjust:exact;print-color-adjust:exact}main{max-width:none;padding:0}
figure,.tile,.card,tr{break-inside:avoid}h2{break-after:avoid}.cards{grid-template-columns:repeat(3,1fr)}
.tiles{grid-template-columns:repeat(3,1fr)}.heads{gap:10px}.heads b{font-size:15px}.tile{padding:10px 12px}
.scroll{overflow:visible}table{font-size:8pt}th,td{padding:3px 4px;white-space:normal}th,td small{font-size:7pt}td small{margin-left:4px}
details:not([open]){display:none}}
"""

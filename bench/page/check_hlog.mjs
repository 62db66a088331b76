// Reads an .hlog with hdr-histogram-js and compares it with the report's JSON:
//   node check_hlog.mjs REPORT.hlog REPORT.json
// Exit codes: 0 good, 1 something differs (said), 77 no hdr-histogram-js here.
import { readFileSync } from 'node:fs';

const [, , hlog, json] = process.argv;
let hdr;
try {
  hdr = (await import('hdr-histogram-js')).default ?? (await import('hdr-histogram-js'));
} catch {
  console.log('skipped: no hdr-histogram-js (npm install --prefix bench/page)');
  process.exit(77);
}

const report = JSON.parse(readFileSync(json, 'utf8'));
const parts = Object.fromEntries(report.parts.map(part => [part.name, part]));
const expected = { ...parts, from_intended: report.latency.from_intended,
                   from_publish: report.latency.from_publish };
const reader = new hdr.HistogramLogReader(readFileSync(hlog, 'utf8'));
const objections = [];
const seen = new Set();
for (let row; (row = reader.nextIntervalHistogram()) !== null;) {
  const figures = expected[row.tag];
  if (!figures) {
    if (row.tag !== 'durable') objections.push(`an unknown tag ${row.tag}`);
    continue;
  }
  seen.add(row.tag);
  if (row.totalCount !== figures.count)
    objections.push(`${row.tag}: ${row.totalCount} values, the report has ${figures.count}`);
  for (const [percent, key] of [[50, 'p50_ns'], [90, 'p90_ns'], [99, 'p99_ns']]) {
    const value = row.getValueAtPercentile(percent);
    if (figures[key] !== null && Math.abs(value - figures[key]) > 0.02 * figures[key] + 2)
      objections.push(`${row.tag} p${percent}: ${value}, the report has ${figures[key]}`);
  }
}
for (const tag of Object.keys(expected)) {
  if (!seen.has(tag)) objections.push(`the tag ${tag} is missing`);
}
for (const objection of objections) console.log(objection);
console.log(`${seen.size} tags read`);
process.exit(objections.length ? 1 : 0);

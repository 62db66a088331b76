// Draws a report of `millrace profile` from the JSON in the page. Each figure that is shown carries
// the path of its value (data-path) and the value itself (data-value), so that a test can compare.
'use strict';
(() => {
  const report = JSON.parse(document.getElementById('report').textContent);
  const page = document.getElementById('page');
  const color = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Elements.
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children.filter(child => child !== null && child !== undefined));
    return element;
  };
  const section = (title, ...children) => page.append(make('h2', {}, title), ...children);
  const row = (cells, tag = 'td') => make('tr', {}, ...cells.map(cell =>
      cell instanceof Node && /^T[DH]$/.test(cell.tagName) ? cell : make(tag, {}, cell)));
  const table = (titles, rows) => make('table', {}, titles.length ? row(titles, 'th') : null,
                                       ...rows.map(cells => row(cells)));
  const head = text => make('th', { class: 'number' }, text);

  // Figures.
  const at = path => path.split('.').reduce((value, key) => value?.[key], report);
  const digits = (value, count) => value.toFixed(count);
  const forms = {
    time(ns) {
      if (ns < 1e3) return digits(ns, 0) + ' ns';
      if (ns < 1e6) return digits(ns / 1e3, ns < 1e4 ? 2 : 1) + ' µs';
      if (ns < 1e9) return digits(ns / 1e6, 2) + ' ms';
      return digits(ns / 1e9, 2) + ' s';
    },
    rate(value) {
      if (value >= 1e6) return digits(value / 1e6, 2) + 'M/s';
      if (value >= 1e4) return digits(value / 1e3, 1) + 'k/s';
      return digits(value, 0) + '/s';
    },
    share: value => digits(value * 100, Math.abs(value) < 0.1 ? 2 : 1) + ' %',
    count: value => value.toLocaleString('en'),
  };
  const figure = (path, form, tag = 'span') => {
    const value = at(path);
    const there = typeof value === 'number';
    return make(tag, { 'data-path': path, 'data-value': there ? value : 'null',
                       class: tag === 'td' ? 'number' : 'figure' }, there ? forms[form](value) : '–');
  };
  const cell = (path, form) => figure(path, form, 'td');

  // Plots: uPlot where it was built in, else lines of our own. `series`: {label, color, points}.
  const scale = (values, log) => {
    const good = values.filter(value => Number.isFinite(value) && (!log || value > 0));
    let low = Math.min(...good), high = Math.max(...good);
    if (log) [low, high] = [Math.log10(low), Math.log10(high)];
    if (!(high > low)) high = low + 1;
    return { low, high, of: value => ((log ? Math.log10(value) : value) - low) / (high - low) };
  };
  const legend = series => make('p', { class: 'legend' }, ...series.map(one =>
      make('span', {}, make('i', { style: 'background:' + one.color }), one.label)));
  const ticks = (axis, log) => {
    const list = [];
    for (let step = 0; step <= 4; ++step) {
      const place = axis.low + (axis.high - axis.low) * step / 4;
      list.push(log ? 10 ** place : place);
    }
    return list;
  };
  const svg = (tag, attributes, text) => {
    const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const ownPlot = ({ series, xForm, yForm, xLog, yLog }) => {
    const width = 1000, height = 260, left = 70, bottom = 24;
    const x = scale(series.flatMap(one => one.points.map(point => point[0])), xLog);
    const y = scale(series.flatMap(one => one.points.map(point => point[1])), yLog);
    const px = value => left + x.of(value) * (width - left - 10);
    const py = value => height - bottom - y.of(value) * (height - bottom - 10);
    const drawing = svg('svg', { viewBox: `0 0 ${width} ${height}`, role: 'img' });
    for (const tick of ticks(y, yLog)) {
      drawing.append(
        svg('line', { x1: left, x2: width - 10, y1: py(tick), y2: py(tick), stroke: color('--line') }),
        svg('text', { x: left - 6, y: py(tick) + 4, 'text-anchor': 'end' }, yForm(tick)));
    }
    for (const tick of ticks(x, xLog)) {
      drawing.append(svg('text', { x: px(tick), y: height - 6, 'text-anchor': 'middle' }, xForm(tick)));
    }
    for (const one of series) {
      const points = one.points.filter(point => !yLog || point[1] > 0);
      drawing.append(svg('polyline', { fill: 'none', stroke: one.color, 'stroke-width': 2,
        points: points.map(point => `${px(point[0])},${py(point[1])}`).join(' ') }));
    }
    return make('div', { class: 'plot' }, drawing);
  };
  const theirPlot = ({ series, xForm, yForm, xLog, yLog }) => {
    const holder = make('div', { class: 'plot' });
    const xs = [...new Set(series.flatMap(one => one.points.map(point => point[0])))]
      .sort((one, other) => one - other);
    const data = [xs, ...series.map(one => {
      const known = new Map(one.points);
      return xs.map(value => {
        const found = known.get(value);
        return found === undefined || (yLog && !(found > 0)) ? null : found;
      });
    })];
    const axis = form => ({ stroke: color('--dim'), grid: { stroke: color('--line') },
                            values: (_, list) => list.map(value => value === null ? '' : form(value)) });
    page.append(holder);
    new window.uPlot({
      width: Math.min(1000, page.clientWidth || 1000), height: 260, legend: { show: false },
      scales: { x: { time: false, distr: xLog ? 3 : 1 }, y: { distr: yLog ? 3 : 1 } },
      axes: [axis(xForm), { ...axis(yForm), size: 84 }],
      series: [{}, ...series.map(one => ({ label: one.label, stroke: one.color, width: 2,
                                           spanGaps: true, points: { show: one.points.length < 12 } }))],
    }, data, holder);
    return holder;
  };
  const plot = spec => {
    const sound = spec.series.some(one => one.points.length > 1);
    if (!sound) return make('p', { class: 'dim' }, 'Too few points to draw.');
    return (window.uPlot ? theirPlot : ownPlot)(spec);
  };

  // The first page, in the order in which a reader needs it.
  const machine = () => {
    const fit = report.machine_fit;
    section('Machine fit',
      make('p', {}, figure('machine_fit.score', 'count'), ' of 100: ' + fit.sentence),
      make('p', { class: 'dim' }, 'Away ', figure('machine_fit.stolen_share', 'share'),
        ' of the time, gap p99.9 ', figure('machine_fit.gap_p999_ns', 'time'), ', longest ',
        figure('machine_fit.gap_max_ns', 'time'), '. Bare round trip: ' +
        (fit.placements.map(place => `${place.name} (${forms.share(place.share)})`).join(', ') ||
         'not played') + '. ' + fit.cores + ' processors.'),
      fit.clock && make('p', { class: 'dim' }, `Clock ${fit.clock.source}, steps of `,
        figure('machine_fit.clock.granularity_ns', 'time'), ', a stamp costs ',
        figure('machine_fit.clock.stamp_cost_ns', 'time'),
        fit.clock.within_bounds ? '.' : '. It stepped: times are void.'));
  };
  const latencyRow = (name, path) => [name, cell(path + '.p50_ns', 'time'),
    cell(path + '.p99_ns', 'time'), cell(path + '.p999_ns', 'time'), cell(path + '.max_ns', 'time')];
  const latency = () => section('Latency at your rate',
    make('p', {}, figure('latency.rate', 'rate'), ', from the moment each message was intended'),
    table(['', head('p50'), head('p99'), head('p99.9'), head('max')], [
      latencyRow('measured', 'latency.from_intended'),
      latencyRow('from the publish', 'latency.from_publish'),
      latencyRow('on a quiet core', 'latency.quiet_core'),
      ['of which host', cell('latency.host_share.p50', 'share'),
       cell('latency.host_share.p99', 'share'), cell('latency.host_share.p999', 'share'), ''],
    ]));
  const highest = () => {
    const found = report.highest_rate;
    if (!found) return section('Highest rate', make('p', { class: 'dim' }, 'Not searched for.'));
    section('Highest rate', table(['', head('messages'), 'limited by'], [
      ['peak', cell('highest_rate.peak', 'rate'), 'the receiver, never idle'],
      ['sustainable', cell('highest_rate.sustainable', 'rate'), found.cause],
      ...found.goals.map((goal, each) =>
        [goal.slo, cell(`highest_rate.goals.${each}.rate`, 'rate'), goal.cause]),
    ]));
  };
  const integrity = () => {
    const fates = ['sent', 'lost', 'duplicated', 'reordered', 'blocked', 'evicted'];
    section('Messages', table(fates.map(head),
      [fates.map(fate => cell('integrity.' + fate, 'count'))]));
  };
  const verdictOf = text => make('span', { class: text }, text);
  const checks = () => section('Verdicts',
    make('p', {}, 'Overall: ', verdictOf(report.verdict), ' · ' + Object.entries(report.models)
      .map(([model, judged]) => `${model} ${judged.rows ? judged.verdict : 'not measured'}`).join(', ')),
    table(['check', 'placement', 'verdict', head('measured / predicted − 1'),
           head('smallest visible defect'), 'why'],
      report.checks.map((check, each) => [check.name, check.placement, verdictOf(check.verdict),
        cell(`checks.${each}.residual`, 'share'), cell(`checks.${each}.smallest_defect`, 'share'),
        check.why])),
    make('p', { class: 'dim' }, 'Not measured here: ' +
      report.unmeasured.map(one => `${one.name} (${one.why})`).join('; ') + '.'));
  const slowest = () => section('Slowest messages', table(
    [head('time'), 'message', 'cause'],
    report.slowest.map((one, each) => [cell(`slowest.${each}.total_ns`, 'time'),
      `${one.number} of restart ${one.restart}`, one.cause])));
  const durable = () => section('Durable lag', report.durable_lag
    ? make('p', {}, 'p50 ', figure('durable_lag.p50_ns', 'time'), ', p99 ',
        figure('durable_lag.p99_ns', 'time'), ', worst ', figure('durable_lag.max_ns', 'time'))
    : make('p', { class: 'dim' }, 'No journal: nothing survives a power cut.'));
  const outages = () => section('Outages',
    make('p', { class: 'dim' }, 'None were injected here: millrace crashtest kills processes.'));

  // The plots behind it.
  const curve = () => {
    if (!report.curve.length) return;
    const points = (key, part) => report.curve.map(point => [point.load * 100, point[part][key]]);
    const series = [
      { label: 'measured p99', color: color('--red'), points: points('p99_ns', 'measured') },
      { label: 'measured p50', color: color('--blue'), points: points('p50_ns', 'measured') },
      { label: 'band: quiet core p99', color: color('--green'), points: points('p99_ns', 'quiet_core') },
      { label: 'band: replay with the gaps, p99', color: color('--amber'),
        points: points('p99_ns', 'replay') },
    ];
    section('Latency by load, with the band that the model predicts', legend(series),
      plot({ series, xForm: value => digits(value, 0) + ' %', yForm: forms.time, yLog: true }),
      table([head('load'), head('messages'), head('p50'), head('p99'), head('quiet p99'),
             head('replay p99')], report.curve.map((_, each) => [
        cell(`curve.${each}.load`, 'share'), cell(`curve.${each}.rate`, 'rate'),
        cell(`curve.${each}.measured.p50_ns`, 'time'), cell(`curve.${each}.measured.p99_ns`, 'time'),
        cell(`curve.${each}.quiet_core.p99_ns`, 'time'), cell(`curve.${each}.replay.p99_ns`, 'time')])));
  };
  const spectrum = () => {
    const points = key => report.spectrum[key].map(([percent, ns]) => [100 / (100 - percent), ns]);
    const series = [
      { label: 'from the intended moment', color: color('--red'), points: points('from_intended') },
      { label: 'from the publish', color: color('--blue'), points: points('from_publish') },
      { label: 'on a quiet core', color: color('--green'), points: points('quiet_core') },
    ];
    section('Percentiles', legend(series), plot({ series, xLog: true, yLog: true, yForm: forms.time,
      xForm: value => digits(100 - 100 / value, value > 900 ? 3 : value > 90 ? 1 : 0) + ' %' }));
  };
  const timeline = () => {
    const rows = report.heat.rows, buckets = rows[0].length;
    const used = rows.flatMap(counts => counts.map((count, bucket) => count ? bucket : -1))
      .filter(bucket => bucket >= 0);
    if (!used.length) return;
    const low = Math.min(...used), high = Math.min(buckets - 1, Math.max(...used));
    const canvas = make('canvas', { width: 1000, height: (high - low + 1) * 14, role: 'img' });
    const pen = canvas.getContext('2d');
    const most = Math.max(...rows.flat());
    rows.forEach((counts, column) => {
      for (let bucket = low; bucket <= high; ++bucket) {
        if (!counts[bucket]) continue;
        const heat = Math.log1p(counts[bucket]) / Math.log1p(most);
        pen.fillStyle = `hsl(${240 - 240 * heat} 75% ${80 - 35 * heat}%)`;
        pen.fillRect(70 + column * 920 / rows.length, (high - bucket) * 14,
                     Math.ceil(920 / rows.length), 14);
      }
    });
    pen.fillStyle = color('--dim');
    pen.font = '11px system-ui';
    for (let bucket = low; bucket <= high; bucket += 2)
      pen.fillText(forms.time(2 ** bucket), 4, (high - bucket) * 14 + 11);
    const seconds = value => digits(value / 1e9, 2) + ' s';
    const points = key => report.noise.map(point => [point.at_ns, point[key]]);
    const away = [{ label: 'longest gap of the reader', color: color('--red'),
                    points: points('gap_max_ns') },
                  { label: 'bare round trip (placement)', color: color('--blue'),
                    points: points('bare_ns').filter(point => point[1] > 0) }];
    section('Over time: latencies (heat), and the noise and placement on the same axis',
      make('div', { class: 'plot' }, canvas), legend(away),
      plot({ series: away, xForm: seconds, yForm: forms.time, yLog: true }));
  };
  const waterfall = () => {
    const colors = ['--dim', '--green', '--amber', '--blue', '--red'].map(color);
    const all = report.parts.reduce((sum, part) => sum + part.mean_ns, 0) || 1;
    section('Where the time goes', make('div', { class: 'bar' }, ...report.parts.map((part, each) =>
        make('div', { style: `width:${100 * part.mean_ns / all}%;background:${colors[each]}`,
                      title: part.name }))),
      legend(report.parts.map((part, each) => ({ label: part.name, color: colors[each] }))),
      table(['part', head('mean'), head('p50'), head('p99'), head('max')], report.parts.map((part, each) =>
        [part.name, cell(`parts.${each}.mean_ns`, 'time'), cell(`parts.${each}.p50_ns`, 'time'),
         cell(`parts.${each}.p99_ns`, 'time'), cell(`parts.${each}.max_ns`, 'time')])));
  };
  const fingerprint = () => section('Fingerprint',
    table([], Object.entries(report.fingerprint).map(([key, value]) => [key, value])),
    ...report.notes.map(note => make('p', { class: 'dim' }, 'Note: ' + note)));

  page.append(make('h1', {}, 'millrace profile'), make('p', { class: 'dim' },
    `${report.load}, handler ${report.handler}, ${report.restarts} restarts of ` +
    `${report.seconds_per_restart} s, seed ${report.seed} (${report.mode})`));
  [machine, latency, highest, integrity, checks, slowest, durable, outages, curve, spectrum,
   timeline, waterfall, fingerprint].forEach(draw => draw());
  document.body.dataset.drawn = window.uPlot ? 'uplot' : 'svg';
})();

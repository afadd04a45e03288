// The review: shows one pair after the other, sends verdicts, goes back, and says what has been saved.

import { Gone, Refused, get, who } from './api.js';
import { $, $$, element, show } from './dom.js';
import { ACTIONS, Keys, keyName } from './keys.js';
import { List } from './list.js';
import { Outbox, newId } from './outbox.js';
import { Player } from './player.js';
import { fillAgreement, fillKeys } from './sheets.js';
import { Stage, keyOf } from './stage.js';

const AHEAD = 2;
const REASONS = ['linguistic', 'visual', 'referent', 'annotation', 'other'];
const VERDICT = { accept: 'Accepted', reject: 'Rejected', replace: 'Replaced', skip: 'Skipped', undo: 'Taken back', 'settle-accept': 'Settled', 'settle-reject': 'Settled' };
const VIEWS = ['', 'S', 'T'];

const stages = new Map();
let session = null;
let outbox = null;
let current = null;
let ahead = [];
// pairs seen before the current one in this page, for `previous`; own decisions, for `undo`
let seen = [];
let history = [];
let busy = false;
let view = '';
let filling = null;
let gone = false;
let waited = false;

const player = new Player({
  scrubber: $('#scrubber'),
  frame: $('#frame'),
  marks: [$('#marks-query'), $('#marks-contrast')],
  icon: $('#play-icon'),
  button: $('[data-do="play"]'),
});
const list = new List({ open: (row) => open(row), filtered: () => restart() });
const keys = new Keys(act, wants);

// ---- actions -------------------------------------------------------------------------------------------------------

// while a sheet is open its own keys work, and the one that opened it closes it
function wants(action) {
  const sheet = $('dialog[open]');
  return !sheet || action === sheet.id || (sheet.id === 'reasons' && action.startsWith('re') && action !== 'replace');
}

function act(action) {
  const sheet = $('dialog[open]');
  if (sheet && !action.startsWith('reason')) {
    sheet.close();
    return;
  }
  const number = /^reason(\d)$/.exec(action)?.[1];
  if (number) reason(REASONS[number - 1]);
  else ACTS[action]();
}

const ACTS = {
  accept: () => decide('accept'),
  reject: () => current && !busy && openReasons(),
  replace: () => decide('replace'),
  skip: () => decide('skip'),
  undo,
  play: () => player.toggle(),
  back: () => player.step(-1),
  forward: () => player.step(1),
  previousMark: () => current && player.jump(-1),
  nextMark: () => current && player.jump(1),
  outline: () => outlines(!player.outlines),
  composed: () => look(VIEWS[(VIEWS.indexOf(view) + 1) % VIEWS.length]),
  next: () => pass(),
  previous: () => previous(),
  list: () => drawer($('#drawer').hidden),
  agreement: () => openAgreement(),
  help: () => $('#help').showModal(),
};

function reason(name) {
  if (!current || busy) return;
  if (name === 'other') {
    openReasons();
    show($('#note-form'), true);
    $('#note').focus();
    return;
  }
  $('#reasons').close();
  decide('reject', { reason: name });
}

function openReasons() {
  show($('#note-form'), false);
  $('#note').value = '';
  if (!$('#reasons').open) $('#reasons').showModal();
}

function outlines(on) {
  player.outlines = on;
  $('[data-do="outline"]').setAttribute('aria-pressed', String(on));
  player.draw();
}

function look(subset) {
  view = subset;
  for (const [id, value] of [['#view-clips', ''], ['#view-S', 'S'], ['#view-T', 'T']]) $(id).setAttribute('aria-pressed', String(value === subset));
  if (current) attach(player.playing);
}

function drawer(on) {
  show($('#drawer'), on);
  $('[data-do="list"]').setAttribute('aria-expanded', String(on));
  if (on) {
    list.offer(session);
    list.refresh();
    list.form.status.focus();
  } else {
    $('[data-do="list"]').focus();
  }
}

// ---- verdicts ------------------------------------------------------------------------------------------------------

// a verdict is taken only for a pair that is on screen, one at a time: a second press cannot hit the next pair
async function decide(verdict, extra = {}) {
  if (!current || busy) return;
  const pressed = performance.now();
  const pair = current;
  const decision = { id: newId(), query: pair.query, contrast: pair.contrast, verdict, ...extra };
  await whileBusy(async () => {
    const answer = await send(decision);
    if (answer === undefined) return;
    history.push({ id: decision.id, pair });
    if (answer?.pair && verdict === 'replace') ahead.unshift(answer.pair);
    else if (verdict === 'replace' && answer) notice('No further candidate for this query: it gets no sample.');
    seen.push({ ...pair, own: { verdict, reason: extra.reason ?? null } });
    await forward(pressed);
  });
}

async function undo() {
  if (busy) return;
  const last = history.at(-1) ?? (session?.last ? { id: session.last.id, pair: null } : null);
  if (!last) {
    notice('Nothing to undo.');
    return;
  }
  const pressed = performance.now();
  await whileBusy(async () => {
    const answer = await send({ id: newId(), verdict: 'undo', undoes: last.id });
    if (answer === undefined) return;
    if (history.length) history.pop();
    else session.last = null;
    const pair = answer?.pair ?? (last.pair && { ...last.pair, own: null, state: 'undecided', others: null });
    if (!pair) return;
    seen = seen.filter((other) => keyOf(other) !== keyOf(pair));
    ahead = [current, ...ahead].filter((other) => other && keyOf(other) !== keyOf(pair) && !replacedBy(other, pair));
    present(pair, pressed);
    if (!history.length && answer) session.last = (await get('/api/session')).last;
  });
}

// a candidate that came in for the pair that is now back
const replacedBy = (other, pair) => other.query === pair.query && other.rank > pair.rank;

async function send(decision) {
  saved('saving', 'Saving…');
  try {
    const answer = await outbox.send(decision);
    if (answer) {
      session.progress = answer.progress;
      progress();
      saved('done', `${VERDICT[decision.verdict]} · saved ${new Date(answer.saved.at).toLocaleTimeString()}`);
      list.refresh();
    } else {
      saved('waiting', `${VERDICT[decision.verdict]} · kept here, not yet sent`);
    }
    return answer;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    saved('waiting', 'Not saved');
    notice(`Not accepted: ${error.message}`);
    return undefined;
  }
}

async function settle(row, verdict) {
  if ((await send({ id: newId(), query: row.query, contrast: row.contrast, verdict })) !== undefined) openAgreement();
}

async function whileBusy(work) {
  busy = true;
  document.body.classList.add('busy');
  try {
    await work();
  } finally {
    busy = false;
    document.body.classList.remove('busy');
  }
}

// ---- from pair to pair ---------------------------------------------------------------------------------------------

async function forward(pressed) {
  if (!ahead.length) await fill();
  const next = ahead.shift();
  if (next) present(next, pressed);
  else await nothing();
  fill();
}

async function pass() {
  if (busy || !current) return;
  seen.push(current);
  await whileBusy(() => forward(performance.now()));
}

function previous() {
  if (busy || !seen.length) return;
  if (current) ahead.unshift(current);
  present(seen.pop(), performance.now());
}

async function open(row) {
  if (busy) return;
  await whileBusy(async () => {
    try {
      const pair = await get('/api/pair', { query: row.query, contrast: row.contrast });
      if (current) seen.push(current);
      ahead = [];
      $('#agreement').close();
      present(pair, performance.now());
    } catch (error) {
      notice(error.message);
    }
  });
  fill();
}

async function restart() {
  ahead = [];
  current = null;
  await whileBusy(() => forward(performance.now()));
}

// keeps the next pairs built and their clips loading; one request at a time
function fill() {
  filling ??= fetchAhead().finally(() => {
    filling = null;
  });
  return filling;
}

async function fetchAhead() {
  const { filters } = list;
  const missing = AHEAD - ahead.length;
  if (missing > 0) {
    const from = ahead.at(-1) ?? current;
    try {
      const after = from ? { after: from.query, after_contrast: from.contrast } : {};
      const found = await get('/api/ahead', { ...filters, ...after, count: missing + 1 });
      const known = new Set([current, ...ahead].filter(Boolean).map(keyOf));
      if (filters === list.filters) ahead.push(...found.pairs.filter((pair) => !known.has(keyOf(pair))).slice(0, missing));
      reached();
    } catch (error) {
      unreached(error);
    }
  }
  for (const pair of ahead) stageOf(pair);
  tidy();
}

function present(pair, pressed) {
  current = pair;
  const fresh = stages.get(keyOf(pair));
  if (fresh) fresh.pair = pair;
  const stage = stageOf(pair);
  for (const other of stages.values()) {
    const on = other === stage;
    other.root.classList.toggle('shown', on);
    other.root.inert = !on;
  }
  show($('#nothing'), false);
  about(pair);
  list.select(pair);
  attach(!matchMedia('(prefers-reduced-motion: reduce)').matches, pressed);
}

function attach(play, pressed) {
  const pair = current;
  player.attach(stages.get(keyOf(pair)), {
    subset: view,
    play,
    shown: () => {
      if (pressed !== undefined) {
        performance.measure('a2dsplus:next-pair', { start: pressed, end: performance.now() });
      }
      document.body.dataset.running = keyOf(pair);
    },
  });
}

function stageOf(pair) {
  const key = keyOf(pair);
  if (!stages.has(key)) {
    const stage = new Stage(pair);
    stages.set(key, stage);
    $('#stages').append(stage.root);
  }
  return stages.get(key);
}

// the current pair, the next ones, and the last one seen (undo comes back to it at once); the rest lets go of its decoders
function tidy() {
  const kept = new Set([current, ...ahead, seen.at(-1)].filter(Boolean).map(keyOf));
  for (const [key, stage] of stages) {
    if (kept.has(key)) continue;
    stage.drop();
    stages.delete(key);
  }
}

async function nothing() {
  current = null;
  player.detach();
  for (const stage of stages.values()) stage.root.classList.remove('shown');
  $('#about').replaceChildren();
  const skipped = session.progress.counts.skipped;
  const words = gone
    ? ['Waiting for the server', 'What you decided is kept in this browser. The next pair comes when the server is back.']
    : list.filters.status === 'undecided' && !list.filters.text && !list.filters.tier && !list.filters.role && !list.filters.by
      ? skipped
        ? [`${skipped} skipped pair${skipped > 1 ? 's are' : ' is'} left`, 'Everything else is reviewed.']
        : ['All pairs are reviewed', 'Run a2dsplus build again: it keeps what you accepted and replaces what you rejected. Rejected pairs’ next candidates come back here.']
      : ['No pair here', 'Nothing passes these filters any more.'];
  $('#nothing').replaceChildren(
    element('h2', {}, words[0]),
    element('p', { class: 'quiet' }, words[1]),
    skipped && !gone ? element('button', { type: 'button', onclick: () => restart() }, 'Go through what was skipped') : '',
  );
  show($('#nothing'), true);
  document.body.dataset.running = '';
}

// ---- what the page says --------------------------------------------------------------------------------------------

function about(pair) {
  const parts = [element('span', {}, `Tier ${pair.tier}`)];
  const said = (words, slots) => slots.length && element('span', {}, `${words} `, ...slots.flatMap((slot, i) => [i ? ', ' : '', element('b', { class: `role ${slot}` }, slot)]));
  parts.push(said('differs in', pair.differing) || null, said('shares', pair.shared) || null);
  parts.push(element('span', {}, pair.alternatives ? `${pair.alternatives} more candidate${pair.alternatives > 1 ? 's' : ''}` : 'last candidate'));
  if (pair.own) parts.push(element('span', { class: 'others' }, `You: ${words(pair.own)}`));
  for (const vote of pair.others ?? []) parts.push(element('span', { class: 'others' }, `${vote.reviewer}: ${words(vote)}`));
  $('#about').replaceChildren(...parts.filter(Boolean));
}

function words(vote) {
  const verdict = { accept: 'accepted', reject: 'rejected', replace: 'replaced', skip: 'skipped', 'settle-accept': 'settled: accept', 'settle-reject': 'settled: reject' }[vote.verdict];
  return [verdict, vote.reason && session.reasons[vote.reason], vote.note].filter(Boolean).join(', ');
}

function progress() {
  const { total, done, seconds_a_pair: pace, seconds_left: left } = session.progress;
  $('#bar').max = Math.max(1, total);
  $('#bar').value = done;
  const parts = [`${done.toLocaleString('en')} of ${total.toLocaleString('en')}`];
  if (pace) parts.push(`${(60 / Math.max(pace, 0.01)).toFixed(pace > 6 ? 1 : 0)} a minute`);
  if (left && done < total) parts.push(`${duration(left)} left`);
  $('#progress-words').textContent = parts.join(' · ');
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return 'under a minute';
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function saved(state, text) {
  $('#saved').className = `saved ${state}`;
  $('#saved').textContent = text;
}

let noticed;
function notice(text) {
  clearTimeout(noticed);
  $('#banner').textContent = text;
  show($('#banner'), true);
  noticed = setTimeout(banner, 6000);
}

function banner() {
  const unsent = outbox?.unsent ?? 0;
  const refused = outbox?.refused() ?? [];
  const box = $('#banner');
  if (gone || unsent) {
    const kept = unsent ? `${unsent} verdict${unsent > 1 ? 's are' : ' is'} kept in this browser and will be sent when it is back.` : 'Verdicts are kept in this browser until it is back.';
    box.textContent = `The server does not answer. ${kept}`;
  } else if (refused.length) {
    box.replaceChildren(
      `${refused.length} kept verdict${refused.length > 1 ? 's were' : ' was'} not accepted: ${refused.map((r) => `${r.query ?? ''} (${r.verdict}): ${r.message}`).join('; ')} `,
      element('button', { type: 'button', onclick: () => { outbox.forgetRefused(); banner(); } }, 'Dismiss'),
    );
  }
  show(box, gone || unsent > 0 || refused.length > 0);
}

function reached() {
  if (!gone) return;
  gone = false;
  banner();
}

function unreached(error) {
  if (error instanceof Refused && error.status !== 401) {
    notice(error.message);
    return;
  }
  gone = true;
  banner();
}

// looks after the server: says when it is gone, sends what waits when it is back, shows others' progress
async function watch() {
  try {
    const found = await get('/api/session');
    session = { ...found, last: history.length ? session.last : found.last };
    progress();
    reached();
    if (outbox.unsent) await outbox.flush();
    if (!$('#drawer').hidden) list.offer(session);
    if (!current && !busy && found.progress.counts.undecided) await restart();
    else if (ahead.length < AHEAD) fill();
  } catch (error) {
    if (!(error instanceof Gone || error instanceof Refused)) throw error;
    unreached(error);
  } finally {
    setTimeout(watch, gone ? 1000 : 5000);
  }
}

async function openAgreement() {
  try {
    await fillAgreement({ settle, open, words });
    if (!$('#agreement').open) $('#agreement').showModal();
  } catch (error) {
    notice(`Agreement cannot be loaded: ${error.message}`);
  }
}

// ---- start ---------------------------------------------------------------------------------------------------------

function label() {
  for (const button of $$('[data-do]')) {
    const badge = $('kbd', button);
    const key = keys.of(button.dataset.do);
    if (badge) badge.textContent = keyName(key);
    button.setAttribute('aria-keyshortcuts', key === ' ' ? 'Space' : key);
  }
  for (const badge of $$('[data-key-of]')) badge.textContent = keyName(keys.of(badge.dataset.keyOf));
  $('#reason-list').replaceChildren(
    ...REASONS.map((name, index) => element('button', { type: 'button', onclick: () => reason(name) }, element('kbd', {}, keyName(keys.of(`reason${index + 1}`))), ACTIONS[`reason${index + 1}`][1].replace('Reject: ', ''))),
  );
}

function listen() {
  for (const button of $$('[data-do]')) button.addEventListener('click', () => act(button.dataset.do));
  for (const [id, subset] of [['#view-clips', ''], ['#view-S', 'S'], ['#view-T', 'T']]) $(id).addEventListener('click', () => look(subset));
  for (const button of $$('dialog .close')) button.addEventListener('click', () => button.closest('dialog').close());
  $('#drawer-close').addEventListener('click', () => drawer(false));
  $('#drawer').addEventListener('keydown', (event) => event.key === 'Escape' && drawer(false));
  $('#keys-reset').addEventListener('click', () => {
    keys.reset();
    fillKeys(keys, label);
    label();
  });
  $('#note-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const note = $('#note').value.trim();
    $('#reasons').close();
    decide('reject', { reason: 'other', note });
  });
  $('#who').addEventListener('click', () => signIn().then(() => location.reload()));
  addEventListener('beforeunload', () => player.detach());
}

function signIn() {
  return new Promise((resolve) => {
    const dialog = $('#sign-in');
    $('#name').value = who.reviewer;
    dialog.showModal();
    $('#name-form').onsubmit = () => {
      who.reviewer = $('#name').value.trim();
      localStorage.setItem('a2dsplus:reviewer', who.reviewer);
      resolve();
    };
  });
}

async function hello() {
  for (;;) {
    try {
      return await get('/api/session');
    } catch (error) {
      if (error instanceof Refused) notice(error.message);
      else unreached(error);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

async function start() {
  listen();
  label();
  fillKeys(keys, label);
  who.reviewer = localStorage.getItem('a2dsplus:reviewer') ?? '';
  session = await hello();
  if (!session.reviewer) {
    await signIn();
    session = await hello();
  }
  who.reviewer = session.reviewer;
  reached();
  document.title = `Review ${session.dataset}`;
  $('#dataset').textContent = session.dataset;
  $('#who').textContent = session.reviewer;
  outbox = new Outbox(`${session.dataset}:${session.reviewer}`, ({ stuck, unsent }) => {
    // the server may have answered something else already: what waited here decides, not whether it was gone a moment ago
    if (stuck) {
      waited = true;
      unreached(new Gone());
    } else if (waited && !unsent) {
      waited = false;
      saved('done', 'All verdicts saved');
      reached();
    }
    banner();
  });
  progress();
  await outbox.flush();
  if (outbox.unsent === 0) session = await hello();
  progress();
  await restart();
  banner();
  setTimeout(watch, 5000);
}

start();

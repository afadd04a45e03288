// The review page: puts its parts together and starts them.

import { Gone, Refused, get, who } from './api.js';
import { Bulk } from './bulk.js';
import { $, $$, element, show } from './dom.js';
import { Flow } from './flow.js';
import { ACTIONS, Keys, keyName } from './keys.js';
import { List } from './list.js';
import { banner, isAway, notice, progress, reached, saved, unreached, useOutbox, waiting } from './messages.js';
import { Outbox } from './outbox.js';
import { showRecent } from './recent.js';
import { fillAgreement, fillKeys } from './sheets.js';
import { review, wordsOf } from './state.js';
import { REASONS, Verdicts, openNote, openReasons } from './verdicts.js';
import { View } from './view.js';
import { recalled } from './where.js';

const STORED_NAME = 'a2dsplus:reviewer';

const view = new View();
const list = new List({ open, filtered: () => flow.restart() });
const flow = new Flow({ view, filters: () => list.filters, shown });
const keys = new Keys(act, wants);
let verdicts = null;
let outbox = null;
let bulk = null;

// ---- actions -------------------------------------------------------------------------------------------------------

// while a sheet is open its own keys work, and the one that opened it closes it; in the list, only its own
function wants(action) {
  const sheet = $('dialog[open]');
  if (sheet) {
    if (sheet.id === 'reasons') return action === sheet.dataset.verdict || action.startsWith('reason') || action === 'reject';
    return action === sheet.id || (sheet.id === 'bulk' && action === 'accept');
  }
  return !$('#drawer').contains(document.activeElement) || action === 'list';
}

function act(action) {
  const sheet = $('dialog[open]');
  const number = /^reason(\d)$/.exec(action)?.[1];
  if (number) reason(REASONS[number - 1]);
  else if (sheet?.id === 'bulk' && action === 'accept') bulk.accept();
  else if (sheet?.id === 'reasons' && action === 'replace') withoutReason();
  else if (sheet) sheet.close();
  else ACTS[action]();
}

const ACTS = {
  accept: () => verdicts.give('accept'),
  reject: () => flow.ready && openReasons('reject', review.current),
  replace: () => flow.ready && openReasons('replace', review.current),
  skip: () => verdicts.give('skip'),
  undo: () => verdicts.undo(),
  note: () => review.current && openNote(verdicts.noteOf(review.current)),
  play: () => view.player.toggle(),
  faster: () => view.speed(),
  back: () => view.player.step(-1),
  forward: () => view.player.step(1),
  previousMark: () => view.player.jump(-1),
  nextMark: () => view.player.jump(1),
  outline: () => view.outlines(),
  composed: () => view.lookOn(),
  next: () => flow.pass(),
  previous: () => flow.previous(),
  bulk: () => bulk.open(),
  list: () => drawer($('#drawer').hidden),
  agreement: () => openAgreement(),
  help: () => $('#help').showModal(),
};

function reason(name) {
  if (!flow.ready) return;
  const verdict = ($('#reasons').open && $('#reasons').dataset.verdict) || 'reject';
  if (name === 'other') {
    openReasons(verdict, review.current);
    show($('#note-form'), true);
    $('#note').focus();
    return;
  }
  $('#reasons').close();
  verdicts.give(verdict, { reason: name });
}

function withoutReason() {
  $('#reasons').close();
  verdicts.give('replace');
}

function drawer(on) {
  show($('#drawer'), on);
  $('[data-do="list"]').setAttribute('aria-expanded', String(on));
  if (on) {
    list.offer(review.session);
    list.refresh();
    list.form.status.focus();
  } else {
    $('[data-do="list"]').focus();
  }
}

async function open(row) {
  for (const sheet of $$('dialog[open]')) sheet.close();
  if (await flow.open(row)) $('#main').focus();
}

async function openAgreement() {
  try {
    await fillAgreement({ settle, open });
    if (!$('#agreement').open) $('#agreement').showModal();
  } catch (error) {
    notice(`Agreement cannot be loaded: ${error.message}`);
  }
}

async function settle(row, verdict) {
  await verdicts.settle(row, verdict);
  await openAgreement();
}

// ---- what the page says of a pair ----------------------------------------------------------------------------------

function shown(pair) {
  list.select(pair);
  about(pair);
}

function about(pair) {
  const dispute = Boolean(pair?.dispute);
  document.body.classList.toggle('dispute', dispute);
  $('[data-do="accept"] .word').textContent = dispute ? 'Settle: accept' : 'Accept';
  $('[data-do="reject"] .word').textContent = dispute ? 'Settle: reject' : 'Reject';
  if (!pair) {
    $('#about').replaceChildren();
    return;
  }
  const doubtful = pair.grade === 'undecided';
  const note = verdicts?.noteOf(pair);
  const parts = [
    element('span', { class: doubtful ? 'grade doubtful' : 'grade' }, doubtful ? 'doubtful' : 'excluded by captions'),
    pair.tier ? element('span', {}, `tier ${pair.tier}`) : null,
    element('span', {}, pair.alternatives ? `${pair.alternatives} more candidate${pair.alternatives > 1 ? 's' : ''}` : 'last candidate'),
    review.session.contrasts > 1 ? element('span', {}, `a sample takes ${review.session.contrasts} contrasts`) : null,
    pair.own ? element('span', { class: 'others' }, `You: ${wordsOf(pair.own)}`) : null,
    !pair.own && note ? element('span', { class: 'others' }, `Note: ${note}`) : null,
    ...(pair.others ?? []).map((vote) => element('span', { class: 'others' }, `${vote.reviewer}: ${wordsOf(vote)}`)),
  ];
  $('#about').replaceChildren(...parts.filter(Boolean));
}

function changed() {
  showRecent(open);
  about(review.current);
}

// ---- the server ----------------------------------------------------------------------------------------------------

function outboxChanged({ stuck, unsent, error }) {
  waiting(unsent);
  if (stuck) unreached(error);
  else if (unsent) saved('saving', `Saving ${unsent}…`);
}

function outboxAnswered({ progress: found, recent, results }) {
  reached();
  review.session.progress = found;
  review.session.recent = recent;
  progress();
  const at = results.findLast((result) => result.at)?.at;
  if (!outbox.unsent && at) saved('done', `All saved ${new Date(at).toLocaleTimeString()}`);
  list.refresh();
  changed();
}

// looks after the server: says when it is gone, sends what waits when it is back, shows others' progress
async function watch() {
  try {
    const found = await get('/api/session');
    review.session = found;
    reached();
    progress();
    changed();
    if (outbox.unsent) await outbox.flush();
    if (!$('#drawer').hidden) list.offer(found);
    if (!review.current && flow.busyUntil !== Infinity && found.progress.counts.undecided && list.filters.status === 'undecided') await flow.restart();
    else await flow.fill();
  } catch (error) {
    if (!(error instanceof Gone || error instanceof Refused)) throw error;
    unreached(error);
  } finally {
    setTimeout(watch, isAway() ? 1000 : 5000);
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
  for (const button of $$('[data-do]')) {
    button.addEventListener('click', (event) => {
      act(button.dataset.do);
      // after a click the keys are the page's again: Space must not press this once more
      if (event.detail) button.blur();
    });
  }
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
    verdicts.noted.set(`${review.current.query}|${review.current.contrast}`, $('#note').value.trim());
    $('#reasons').close();
    verdicts.give($('#reasons').dataset.verdict, { reason: 'other' });
  });
  $('#no-reason').addEventListener('click', withoutReason);
  $('#any-note-form').addEventListener('submit', (event) => {
    event.preventDefault();
    $('#note-sheet').close();
    verdicts.note($('#any-note').value.trim());
  });
  $('#nothing').addEventListener('click', (event) => {
    const { filter } = event.target.dataset;
    if (!filter) return;
    list.use({ status: filter });
    flow.restart();
  });
  addEventListener('hashchange', () => arrive());
  $('#who').addEventListener('click', () => signIn({ closable: true }).then((name) => name && location.reload()));
  addEventListener('beforeunload', () => view.detach());
}

// a name is kept once the server has taken it: one that it refuses would shut the page for good
function signIn({ closable = false } = {}) {
  return new Promise((resolve) => {
    const dialog = $('#sign-in');
    $('#name').value = who.reviewer;
    $('#name-fault').textContent = '';
    dialog.oncancel = (event) => closable || event.preventDefault();
    dialog.onclose = () => closable && resolve('');
    $('#name-form').onsubmit = async (event) => {
      event.preventDefault();
      const before = who.reviewer;
      try {
        who.reviewer = $('#name').value;
        who.reviewer = (await get('/api/session')).reviewer;
        localStorage.setItem(STORED_NAME, who.reviewer);
        resolve(who.reviewer);
        dialog.close();
      } catch (error) {
        who.reviewer = before;
        $('#name-fault').textContent = error.message;
      }
    };
    dialog.showModal();
  });
}

async function hello() {
  for (;;) {
    try {
      const found = await get('/api/session');
      reached();
      return found;
    } catch (error) {
      if (error instanceof Refused && error.status === 422) {
        localStorage.removeItem(STORED_NAME);
        who.reviewer = '';
      } else unreached(error);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

// the pair and the filters of the address, or the first that waits
async function arrive() {
  const { filters, pair } = recalled();
  list.use(filters);
  if (!pair || !(await flow.open(pair))) await flow.restart();
  else flow.fill();
}

async function start() {
  listen();
  label();
  fillKeys(keys, label);
  who.reviewer = localStorage.getItem(STORED_NAME) ?? '';
  let session = await hello();
  if (!session.reviewer) {
    await signIn();
    session = await hello();
  }
  who.reviewer = session.reviewer;
  who.dataset = session.dataset;
  review.session = session;
  document.title = `Review ${session.name}`;
  $('#dataset').textContent = session.name;
  $('#who').textContent = session.reviewer;
  show($('#no-doubt'), !session.has_doubt);
  // verdicts that wait belong to this dataset and this reviewer alone
  outbox = new Outbox(`${session.dataset}:${session.reviewer}`, { changed: outboxChanged, answered: outboxAnswered });
  useOutbox(outbox);
  verdicts = new Verdicts({ flow, outbox, changed });
  bulk = new Bulk({ verdicts, filters: () => list.filters, changed: () => flow.restart() });
  progress();
  changed();
  await outbox.flush();
  if (!isAway()) review.session = await hello();
  progress();
  await arrive();
  banner();
  setTimeout(watch, 5000);
}

start();

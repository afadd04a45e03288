// The list of pairs and its filters: only the rows in sight exist, and only their pages are fetched, so a hundred thousand scroll like a
// hundred.

import { get } from './api.js';
import { $, element, show } from './dom.js';
import { keyOf } from './state.js';
import { NONE } from './where.js';

const ROW = 66;
const PAGE = 50;
const WORDS = {
  undecided: 'undecided', all: 'all', accepted: 'accepted by me', rejected: 'rejected by me', skipped: 'skipped',
  again: 'to look at again', others: 'decided by others', disputed: 'disputed', exhausted: 'no candidate left',
};
const MARKS = { position: 'speaks of a position', fits: 'another caption may fit' };
const RELATIONS = { 'class+action': 'same class, same action', class: 'same class', action: 'same action', none: 'neither' };
const ANY = { grade: 'any grade', tier: 'any tier', relation: 'any relation', role: 'any role', only: 'anything', mark: 'any' };
const NAMES = { status: 'status', grade: 'grade', tier: 'tier', relation: 'relation', role: 'differs in', only: 'kept apart by', mark: 'marked', by: 'judged by', text: 'search' };

export class List {
  constructor({ open, filtered }) {
    this.open = open;
    this.filtered = filtered;
    this.filters = { ...NONE };
    this.form = $('#filters');
    this.rows = $('#rows');
    this.space = $('#rows-space');
    this.pages = new Map();
    this.version = 0;
    this.form.addEventListener('submit', (event) => event.preventDefault());
    this.form.addEventListener('input', (event) => {
      clearTimeout(this.typing);
      // typing waits for a pause; a choice is meant at once
      this.typing = setTimeout(() => this.#read(), event.target.name === 'text' ? 180 : 0);
    });
    this.rows.addEventListener('scroll', () => this.#lay());
    addEventListener('resize', () => !$('#drawer').hidden && this.#lay());
  }

  // the choices of each filter, with how many open pairs each would leave
  offer({ statuses, facets, reviewers, reviewer }) {
    const { form, filters } = this;
    fill(form.status, statuses.map((status) => [status, WORDS[status] ?? status]), filters.status);
    for (const name of Object.keys(ANY)) {
      const words = { mark: MARKS, relation: RELATIONS }[name] ?? {};
      const options = Object.entries(facets[name]).filter(([value, number]) => number || value === filters[name]);
      fill(form[name], [['', ANY[name]], ...options.map(([value, number]) => [value, `${words[value] ?? value} (${number.toLocaleString('en')})`])], filters[name]);
    }
    fill(form.by, [['', 'anybody'], ...reviewers.map((name) => [name, name === reviewer ? `${name} (me)` : name])], filters.by);
    if (document.activeElement !== form.text) form.text.value = filters.text;
  }

  // filters from elsewhere: the address, a button
  use(filters) {
    this.filters = { ...NONE, ...filters };
    this.#tell();
    this.refresh();
  }

  async refresh() {
    this.version += 1;
    this.pages.clear();
    if (!$('#drawer').hidden) await this.#lay();
  }

  select(pair) {
    this.current = pair && keyOf(pair);
    for (const row of this.space.children) row.setAttribute('aria-current', String(row.dataset.pair === this.current));
  }

  #read() {
    const chosen = Object.fromEntries(Object.keys(NONE).map((name) => [name, this.form[name].value.trim()]));
    if (JSON.stringify(chosen) === JSON.stringify(this.filters)) return;
    this.rows.scrollTop = 0;
    this.use(chosen);
    this.filtered();
  }

  // what is filtered by is in view, and is let go of there
  #tell() {
    const words = { status: WORDS, mark: MARKS, relation: RELATIONS };
    const active = Object.entries(this.filters).filter(([name, value]) => value !== NONE[name]);
    const chips = active.map(([name, value]) => element('button', { type: 'button', title: 'Remove this filter', onclick: () => this.#drop(name) }, `${NAMES[name]}: ${words[name]?.[value] ?? value}`, element('span', { 'aria-hidden': 'true' }, '✕')));
    $('#active').replaceChildren(...(chips.length ? [element('span', { class: 'quiet' }, 'Filtered by'), ...chips] : []));
    show($('#active'), chips.length > 0);
  }

  #drop(name) {
    this.use({ ...this.filters, [name]: NONE[name] });
    this.form[name].value = NONE[name];
    this.filtered();
  }

  async #lay() {
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const first = Math.max(0, Math.floor(this.rows.scrollTop / ROW) - 4);
    const last = first + Math.ceil(this.rows.clientHeight / ROW) + 8;
    try {
      await Promise.all([Math.floor(first / PAGE), Math.floor(last / PAGE)].map((page) => this.#page(page)));
    } catch (error) {
      $('#list-count').textContent = `The list cannot be loaded: ${error.message}`;
      return;
    }
    // a later look is under way: an answer that comes late must not bring back the rows of an earlier place
    if (turn !== this.turn || this.total === undefined) return;
    const { total } = this;
    $('#list-count').textContent = total === 1 ? '1 pair' : `${total.toLocaleString('en')} pairs`;
    this.space.style.height = `${total * ROW}px`;
    const focused = document.activeElement?.dataset?.pair;
    const rows = [];
    for (let index = first; index < Math.min(last, total); index += 1) {
      const row = this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
      if (row) rows.push(this.#row(row, index));
    }
    this.space.replaceChildren(...rows);
    if (focused) rows.find((row) => row.dataset.pair === focused)?.focus();
  }

  async #page(number) {
    if (this.pages.has(number) || (number > 0 && number * PAGE >= this.total)) return;
    const { version } = this;
    const found = await get('/api/queue', { ...this.filters, offset: number * PAGE, limit: PAGE });
    if (version !== this.version) return;
    this.pages.set(number, found.rows);
    this.total = found.total;
  }

  #row(row, index) {
    const state = row.own?.verdict === 'skip' ? 'skipped' : row.state;
    const made = element(
      'button',
      { type: 'button', class: 'row', 'data-pair': keyOf(row), 'aria-current': String(keyOf(row) === this.current), onclick: () => this.open(row) },
      element('span', {}, row.text),
      element('span', { class: `state ${state}` }, `${state === 'others' ? 'decided' : state}\n${row.grade === 'excluded' ? row.because.split(':')[0] || 'excluded' : 'doubtful'}`),
      element('span', { class: 'second' }, row.contrast_text),
    );
    made.style.top = `${index * ROW}px`;
    return made;
  }
}

function fill(select, options, value) {
  const known = [...select.options].map((option) => option.textContent);
  if (JSON.stringify(known) !== JSON.stringify(options.map(([, words]) => words))) {
    select.replaceChildren(...options.map(([name, words]) => element('option', { value: name }, words)));
  }
  if (document.activeElement !== select) select.value = value;
}

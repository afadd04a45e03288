// The list of pairs: only the rows in sight exist, and only their pages are fetched, so a hundred thousand scroll like a hundred.

import { get } from './api.js';
import { $, element } from './dom.js';
import { keyOf } from './stage.js';

const ROW = 66;
const PAGE = 50;
const WORDS = {
  undecided: 'undecided', all: 'all', accepted: 'accepted by me', rejected: 'rejected by me', skipped: 'skipped',
  others: 'decided by others', disputed: 'disputed', exhausted: 'no candidate left',
};

export class List {
  constructor({ open, filtered }) {
    this.open = open;
    this.filtered = filtered;
    this.filters = { status: 'undecided', tier: '', role: '', by: '', text: '' };
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

  offer({ statuses, slots, reviewers, reviewer }) {
    fill(this.form.status, statuses.map((status) => [status, WORDS[status] ?? status]), this.filters.status);
    fill(this.form.role, [['', 'any role'], ...slots.map((slot) => [slot, slot])], this.filters.role);
    fill(this.form.by, [['', 'anybody'], ...reviewers.map((name) => [name, name === reviewer ? `${name} (me)` : name])], this.filters.by);
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
    const { status, tier, role, by, text } = this.form;
    const chosen = { status: status.value, tier: tier.value, role: role.value, by: by.value, text: text.value.trim() };
    if (JSON.stringify(chosen) === JSON.stringify(this.filters)) return;
    this.filters = chosen;
    this.rows.scrollTop = 0;
    this.refresh();
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
      element('span', { class: `state ${state}` }, `${state === 'others' ? 'decided' : state}\ntier ${row.tier}`),
      element('span', { class: 'second' }, row.contrast_text),
    );
    made.style.top = `${index * ROW}px`;
    return made;
  }
}

function fill(select, options, value) {
  const known = [...select.options].map((option) => option.value);
  if (JSON.stringify(known) === JSON.stringify(options.map(([name]) => name))) return;
  select.replaceChildren(...options.map(([name, words]) => element('option', { value: name }, words)));
  select.value = value;
}

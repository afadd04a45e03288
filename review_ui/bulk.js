// Many pairs by their captions: a screen of those with the least doubt, accepted together but for the ones picked out, which come one by
// one with their clips.

import { get } from './api.js';
import { $, element, show } from './dom.js';
import { why } from './stage.js';
import { keyOf } from './state.js';

const COUNT = 20;

export class Bulk {
  constructor({ verdicts, filters, changed }) {
    Object.assign(this, { verdicts, filters, changed });
    this.sheet = $('#bulk');
    this.rows = [];
    this.picked = new Set();
    $('#bulk-accept').addEventListener('click', () => this.accept());
    this.sheet.addEventListener('close', () => this.given && this.changed());
  }

  get isOpen() {
    return this.sheet.open;
  }

  async open() {
    this.given = 0;
    this.sheet.showModal();
    await this.#fetch();
  }

  async accept() {
    if (!this.rows.length || this.busy) return;
    this.busy = true;
    const out = this.rows.filter((row) => this.picked.has(keyOf(row)));
    const accepted = this.rows.filter((row) => !this.picked.has(keyOf(row)));
    try {
      await this.verdicts.bulk(accepted, out);
      this.given += accepted.length;
      await this.#fetch();
    } catch (error) {
      $('#bulk-words').textContent = `Not saved: ${error.message}`;
    } finally {
      this.busy = false;
    }
  }

  async #fetch() {
    try {
      const found = await get('/api/bulk', { ...this.filters(), count: COUNT });
      this.rows = found.rows;
      this.picked.clear();
      this.#show(found.total);
    } catch (error) {
      $('#bulk-words').textContent = `The pairs cannot be loaded: ${error.message}`;
    }
  }

  #show(total) {
    const most = Math.max(0, ...this.rows.map((row) => row.doubt));
    $('#bulk-words').textContent = this.rows.length
      ? `The ${this.rows.length} of ${total.toLocaleString('en')} open pairs that the captions keep apart most clearly (doubt up to ${most.toFixed(2)}). Pick out those to look at with their clips.`
      : 'No open pair is kept apart by its captions: look at the others with their clips.';
    $('#bulk-rows').replaceChildren(...this.rows.map((row) => this.#row(row)));
    $('#bulk-rows').scrollTop = 0;
    show($('#bulk-accept'), this.rows.length > 0);
    this.#count();
    $('#bulk-rows input')?.focus();
  }

  #row(row) {
    const box = element('input', { type: 'checkbox', name: keyOf(row) });
    box.addEventListener('change', () => {
      this.picked[box.checked ? 'add' : 'delete'](keyOf(row));
      this.#count();
    });
    const others = row.others.length ? element('span', { class: 'quiet' }, `also there: ${row.others.join(' · ')}`) : null;
    return element('li', {}, element('label', {}, box, element('span', { class: 'two' }, element('span', {}, row.text), element('span', { class: 'second' }, row.contrast_text), others)), why(row));
  }

  #count() {
    const number = this.rows.length - this.picked.size;
    $('#bulk-accept span').textContent = this.picked.size ? `Accept the other ${number}` : `Accept all ${number}`;
  }
}

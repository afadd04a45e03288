// Decisions on their way to the server. Each lies in local storage, under a key of its own, from the key press until the server has
// said that it is on disk: a reload, a crash or a second tab loses none. They leave in the order in which they were made; the
// server logs one that comes twice once, by its id.

import { Gone, Refused, post } from './api.js';

const WAIT = [500, 1000, 2000, 4000];

export class Outbox {
  // `changed(state)` is called with {stuck, unsent} whenever that changes
  constructor(scope, changed) {
    this.prefix = `a2dsplus:unsent:${scope}:`;
    this.refusedPrefix = `a2dsplus:refused:${scope}:`;
    this.changed = changed;
    this.waiters = new Map();
    this.tries = 0;
    this.sending = null;
    addEventListener('online', () => this.flush());
  }

  entries(prefix = this.prefix) {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(prefix));
    return keys.sort().map((key) => ({ key, decision: JSON.parse(localStorage.getItem(key)) }));
  }

  get unsent() {
    return this.entries().length;
  }

  // resolves with the server's answer, or with null where the server is gone and the decision waits here; rejects with Refused
  async send(decision) {
    // the page's clock and a counter: keys sort in the order of the decisions
    const key = `${this.prefix}${String(Date.now()).padStart(14, '0')}-${String(++counter).padStart(6, '0')}-${decision.id}`;
    localStorage.setItem(key, JSON.stringify(decision));
    const answer = new Promise((resolve, reject) => this.waiters.set(decision.id, { resolve, reject }));
    answer.catch(() => {});
    await this.flush();
    const waiter = this.waiters.get(decision.id);
    if (waiter) {
      this.waiters.delete(decision.id);
      return null;
    }
    return answer;
  }

  flush() {
    this.sending ??= this.#flush().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async #flush() {
    clearTimeout(this.timer);
    for (let entries = this.entries(); entries.length; entries = this.entries()) {
      const { key, decision } = entries[0];
      try {
        const answer = await post('/api/decisions', decision);
        localStorage.removeItem(key);
        this.tries = 0;
        this.#settle(decision, (waiter) => waiter.resolve(answer));
      } catch (error) {
        // a token that is missing now may be given later: keep the decision
        if (error instanceof Gone || error.status === 401) {
          this.timer = setTimeout(() => this.flush(), WAIT[Math.min(this.tries++, WAIT.length - 1)]);
          this.#tell(true);
          return;
        }
        if (!(error instanceof Refused)) throw error;
        localStorage.removeItem(key);
        // said no: kept for the reviewer to see, unless he is there to be told
        if (!this.waiters.has(decision.id)) {
          localStorage.setItem(key.replace(this.prefix, this.refusedPrefix), JSON.stringify({ ...decision, message: error.message }));
        }
        this.#settle(decision, (waiter) => waiter.reject(error));
      }
      this.#tell(false);
    }
  }

  refused() {
    return this.entries(this.refusedPrefix).map((entry) => entry.decision);
  }

  forgetRefused() {
    for (const { key } of this.entries(this.refusedPrefix)) localStorage.removeItem(key);
  }

  #settle(decision, act) {
    const waiter = this.waiters.get(decision.id);
    this.waiters.delete(decision.id);
    if (waiter) act(waiter);
  }

  #tell(stuck) {
    this.changed({ stuck, unsent: this.unsent });
  }
}

let counter = 0;

// crypto.randomUUID exists on https and localhost alone; a team's server on a local network is neither
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

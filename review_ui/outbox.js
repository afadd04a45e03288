// Decisions on their way to the server. Each lies in local storage, under a key of its own, from the key press until the server has
// said that it is on disk: a reload, a crash or a second tab loses none. They leave in the order in which they were made, many at once
// where many wait; the server logs one that comes twice once, by its id. One that fails for ever is set aside, those behind it go on.

import { Gone, Refused, post } from './api.js';

const WAIT = [500, 1000, 2000, 4000];
const MOST = 50;
const TRIES = 3;

export class Outbox {
  // `changed({stuck, unsent, error})` is called whenever that changes, `answered(answer)` with each answer of the server
  constructor(scope, { changed, answered }) {
    this.prefix = `a2dsplus:unsent:${scope}:`;
    this.refusedPrefix = `a2dsplus:refused:${scope}:`;
    this.changed = changed;
    this.answered = answered;
    this.waiters = new Map();
    this.failed = new Map();
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

  // keeps decisions at once; resolves with the server's answer to the last one, rejects with Refused where it says no
  send(...decisions) {
    let answer;
    for (const decision of decisions) {
      // the page's clock and a counter: keys sort in the order of the decisions
      const key = `${this.prefix}${String(Date.now()).padStart(14, '0')}-${String(++counter).padStart(6, '0')}-${decision.id}`;
      localStorage.setItem(key, JSON.stringify({ ...decision, decided_at: new Date().toISOString() }));
      answer = new Promise((resolve, reject) => this.waiters.set(decision.id, { resolve, reject }));
      answer.catch(() => {});
    }
    this.#tell({ stuck: false });
    this.flush();
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
    let most = MOST;
    for (let entries = this.entries(); entries.length; entries = this.entries()) {
      const batch = entries.slice(0, most);
      try {
        const answer = await post('/api/decisions', { decisions: batch.map(({ decision }) => decision) });
        this.tries = 0;
        most = MOST;
        batch.forEach((entry, index) => this.#answered(entry, answer.results[index]));
        this.answered(answer);
      } catch (error) {
        if (!(error instanceof Gone || error instanceof Refused)) throw error;
        if (this.#waits(error)) {
          this.timer = setTimeout(() => this.flush(), WAIT[Math.min(this.tries++, WAIT.length - 1)]);
          this.#tell({ stuck: true, error });
          return;
        }
        // it is one of these: found by sending them one by one
        if (batch.length > 1) most = 1;
        else this.#setAside(batch[0], error);
      }
      this.#tell({ stuck: false });
    }
  }

  // whether nothing can be sent now; otherwise it is this decision that cannot
  #waits(error) {
    if (error instanceof Refused) return error.status === 401 || error.code === 'other-dataset';
    return error.status !== 500;
  }

  #setAside({ key, decision }, error) {
    const tries = (this.failed.get(decision.id) ?? 0) + 1;
    this.failed.set(decision.id, tries);
    if (error instanceof Gone && tries < TRIES) return;
    this.#refuse({ key, decision }, error);
  }

  #answered({ key, decision }, result) {
    if (result.error) {
      this.#refuse({ key, decision }, new Refused(result.error.message, 422, result.error.code));
      return;
    }
    localStorage.removeItem(key);
    this.#settle(decision, (waiter) => waiter.resolve(result));
  }

  // kept for the reviewer to see; where another window was first, the page shows what that said
  #refuse({ key, decision }, error) {
    localStorage.removeItem(key);
    if (error.code !== 'stale' || !this.waiters.has(decision.id)) {
      localStorage.setItem(key.replace(this.prefix, this.refusedPrefix), JSON.stringify({ ...decision, message: error.message }));
    }
    this.#settle(decision, (waiter) => waiter.reject(error));
  }

  refused() {
    return this.entries(this.refusedPrefix).map((entry) => entry.decision);
  }

  forgetRefused() {
    for (const { key } of this.entries(this.refusedPrefix)) localStorage.removeItem(key);
  }

  retryRefused() {
    for (const { key, decision } of this.entries(this.refusedPrefix)) {
      const { message, ...again } = decision;
      this.failed.delete(again.id);
      localStorage.setItem(key.replace(this.refusedPrefix, this.prefix), JSON.stringify(again));
      localStorage.removeItem(key);
    }
    return this.flush();
  }

  #settle(decision, act) {
    const waiter = this.waiters.get(decision.id);
    this.waiters.delete(decision.id);
    if (waiter) act(waiter);
  }

  #tell(state) {
    this.changed({ error: null, ...state, unsent: this.unsent });
  }
}

let counter = 0;

// crypto.randomUUID exists on https and localhost alone; a team's server on a local network is neither
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

// From pair to pair: which is on screen, which come next, which have been seen. Six pairs are here ahead, so that a verdict never waits.

import { Gone, Refused, address, get } from './api.js';
import { fetchAhead } from './clips.js';
import { $, element, show } from './dom.js';
import { announce, isAway, notice, reached, unreached } from './messages.js';
import { Stage } from './stage.js';
import { keyOf, review } from './state.js';
import { remember } from './where.js';

const AHEAD = 6;
// so many have their players ready; the others' clips are in memory alone
const BUILT = 2;
// a key pressed sooner cannot have been meant for the pair that has just come
const READ_MS = 200;
// a pair looked at for so long may be looked at composed
const COMPOSE_MS = 500;

export class Flow {
  // `view` shows a stage; `filters()` gives those in force; `shown(pair)` is called when another pair is on screen
  constructor({ view, filters, shown }) {
    Object.assign(this, { view, filters, shown });
    this.stages = new Map();
    this.ahead = [];
    this.seen = [];
    // pairs judged in this page: an answer that was under way then must not bring them again
    this.judged = new Set();
    this.filling = null;
    this.busyUntil = 0;
  }

  // whether a verdict can be taken now: there is a pair, and there was time to see it
  get ready() {
    return review.current !== null && performance.now() >= this.busyUntil;
  }

  // takes no verdict until the next pair is on screen
  hold() {
    this.#busy(Infinity);
  }

  #busy(until) {
    this.busyUntil = until;
    document.body.classList.toggle('busy', performance.now() < until);
  }

  async forward(pressed) {
    if (!this.ahead.length) await this.fill();
    const next = this.ahead.shift();
    if (next) this.present(next, pressed);
    else this.nothing();
    this.fill();
  }

  pass() {
    if (!this.ready) return;
    this.hold();
    this.seen.push(review.current);
    this.forward(performance.now());
  }

  previous() {
    if (!this.seen.length) return;
    if (review.current) this.ahead.unshift(review.current);
    this.present(this.seen.pop(), performance.now());
  }

  // what comes in for a rejected candidate is looked for while it is being looked at
  get instead() {
    return this.replacement?.for === keyOf(review.current) ? this.replacement.found : Promise.resolve(undefined);
  }

  next(pair) {
    const known = [review.current, ...this.ahead].filter(Boolean);
    if (pair && !this.judged.has(keyOf(pair)) && !known.some((other) => keyOf(other) === keyOf(pair))) this.ahead.unshift(pair);
  }

  async open({ query, contrast }) {
    try {
      const pair = await get('/api/pair', { query, contrast });
      if (review.current) this.seen.push(review.current);
      this.ahead = this.ahead.filter((other) => keyOf(other) !== keyOf(pair));
      this.present(pair, performance.now());
      return true;
    } catch (error) {
      if (!(error instanceof Gone || error instanceof Refused)) throw error;
      notice(`This pair cannot be opened: ${error.message}`);
      return false;
    }
  }

  // begins at the front again: after a change of filters, or of what there is
  async restart() {
    this.ahead = [];
    this.judged = new Set([...review.pending.values()].map(({ pair }) => keyOf(pair)));
    this.filling = null;
    review.current = null;
    this.hold();
    await this.forward();
  }

  fill() {
    this.filling ??= this.#fill().finally(() => {
      this.filling = null;
    });
    return this.filling;
  }

  async #fill() {
    const filters = this.filters();
    const missing = AHEAD - this.ahead.length;
    if (missing > 0) {
      const from = this.ahead.at(-1) ?? review.current;
      try {
        const after = from ? { after: from.query, after_contrast: from.contrast } : {};
        // what was decided and is still on its way may come again: some more are asked for
        const found = await get('/api/ahead', { ...filters, ...after, count: Math.min(20, missing + 1 + review.pending.size) });
        const known = new Set([review.current, ...this.ahead].filter(Boolean).map(keyOf));
        const fresh = found.pairs.filter((pair) => !known.has(keyOf(pair)) && !this.judged.has(keyOf(pair)));
        if (filters === this.filters()) this.ahead.push(...fresh.slice(0, missing));
        reached();
      } catch (error) {
        if (!(error instanceof Gone || error instanceof Refused)) throw error;
        unreached(error);
      }
    }
    const clips = this.ahead.flatMap((pair) => pair.sides.map((side) => side.clip));
    await fetchAhead(clips.slice(0, 2 * BUILT));
    for (const pair of this.ahead.slice(0, BUILT)) this.view.prepare(this.stageOf(pair));
    fetchAhead(clips.slice(2 * BUILT));
    this.#tidy();
  }

  present(pair, pressed) {
    review.current = pair;
    this.#busy(performance.now() + READ_MS);
    setTimeout(() => this.#busy(this.busyUntil), READ_MS + 5);
    const fresh = this.stages.get(keyOf(pair));
    if (fresh) fresh.pair = pair;
    const stage = this.stageOf(pair);
    for (const other of this.stages.values()) other.show(other === stage);
    show($('#nothing'), false);
    this.shown(pair);
    remember(pair, this.filters());
    announce(`Query: ${pair.text}. Contrast: ${pair.contrast_text}. ${pair.grade}${pair.own ? '; you have judged it' : ''}.`);
    this.replacement = { for: keyOf(pair), found: pair.alternatives ? instead(pair) : Promise.resolve(null) };
    this.view.attach(stage, pressed);
    clearTimeout(this.composing);
    this.composing = setTimeout(() => this.#composeAhead(pair), COMPOSE_MS);
  }

  // has the server encode both composed samples of a pair that is being looked at; nothing of them is fetched yet
  async #composeAhead(pair) {
    for (const subset of ['S', 'T']) {
      if (review.current !== pair || isAway()) return;
      try {
        await fetch(address(`/preview/${subset}`, { query: pair.query, contrast: pair.contrast }), { method: 'HEAD', priority: 'low' });
      } catch {
        return;
      }
    }
  }

  stageOf(pair) {
    const key = keyOf(pair);
    if (!this.stages.has(key)) {
      const stage = new Stage(pair);
      this.stages.set(key, stage);
      $('#stages').append(stage.root);
    }
    return this.stages.get(key);
  }

  // the current pair, the next ones, and the last one seen (undo comes back to it at once); the rest lets go of its decoders
  #tidy() {
    const kept = new Set([review.current, ...this.ahead.slice(0, BUILT), this.seen.at(-1)].filter(Boolean).map(keyOf));
    for (const [key, stage] of this.stages) {
      if (kept.has(key)) continue;
      stage.drop();
      this.stages.delete(key);
    }
    if (this.seen.length > 50) this.seen.splice(0, this.seen.length - 50);
  }

  nothing() {
    review.current = null;
    this.#busy(0);
    this.view.detach();
    for (const stage of this.stages.values()) stage.show(false);
    this.shown(null);
    remember(null, this.filters());
    const { counts, to_settle: mine, disputed } = review.session.progress;
    const { skipped } = counts;
    const words = this.#whyNothing(skipped);
    const disputes = disputed
      ? `${disputed} dispute${disputed > 1 ? 's wait' : ' waits'} for somebody who has not judged ${disputed > 1 ? 'them' : 'it'}${mine ? `; ${mine} of them for you` : ''}.`
      : '';
    $('#nothing').replaceChildren(
      element('h2', {}, words[0]),
      element('p', { class: 'quiet' }, words[1]),
      disputes && element('p', {}, disputes),
      skipped && !isAway() ? element('button', { type: 'button', onclick: () => this.restart() }, 'Go through what was skipped') : '',
      mine ? element('button', { type: 'button', 'data-filter': 'disputed' }, 'Settle disputes') : '',
    );
    show($('#nothing'), true);
    document.body.dataset.running = '';
    announce(words[0]);
  }

  #whyNothing(skipped) {
    const { status, ...others } = this.filters();
    if (isAway()) return ['Waiting for the server', 'What you decided is kept in this browser. The next pair comes when the server is back.'];
    if (status !== 'undecided' || Object.values(others).some(Boolean)) return ['No pair here', 'Nothing passes these filters any more.'];
    if (skipped) return [`${skipped} skipped pair${skipped > 1 ? 's are' : ' is'} left`, 'Everything else is reviewed.'];
    return ['All pairs are reviewed', 'Run a2dsplus build again: it keeps what you accepted and replaces what you rejected.'];
  }
}

async function instead({ query, contrast }) {
  try {
    return (await get('/api/instead', { query, contrast })).pair;
  } catch {
    // the server says it with the verdict
    return undefined;
  }
}

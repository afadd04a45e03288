// Verdicts: given, taken back, noted, settled. The page goes on at once; the outbox brings them to the server.

import { Refused } from './api.js';
import { $, show } from './dom.js';
import { banner, notice, saved } from './messages.js';
import { newId } from './outbox.js';
import { keyOf, review } from './state.js';

export const REASONS = ['linguistic', 'visual', 'referent', 'annotation', 'other'];
// what comes in for a rejected candidate is waited for no longer than this
const PATIENCE_MS = 400;

export class Verdicts {
  constructor({ flow, outbox, changed }) {
    Object.assign(this, { flow, outbox, changed });
    // own decisions of this page, for `undo`
    this.history = [];
    this.noted = new Map();
  }

  // a verdict is taken only for a pair that is on screen and was seen: a second press cannot hit the next pair
  async give(verdict, { reason } = {}) {
    if (!this.flow.ready) return;
    const pressed = performance.now();
    const pair = review.current;
    const said = pair.dispute ? { accept: 'settle-accept', reject: 'settle-reject', replace: 'settle-reject', skip: null }[verdict] : verdict;
    if (said === null) {
      this.flow.pass();
      return;
    }
    const rejects = ['reject', 'replace'].includes(said);
    const coming = rejects ? this.flow.instead : null;
    const decision = this.#decision(pair, said, reason);
    this.#send(decision, pair, (answer) => rejects && this.flow.next(answer.pair));
    this.history.push({ id: decision.id, pair, whole: true });
    this.flow.judged.add(keyOf(pair));
    this.flow.seen.push({ ...pair, own: { id: decision.id, verdict: said, reason: reason ?? null, note: decision.note }, dispute: false });
    // no second verdict while the next pair is waited for
    this.flow.hold();
    if (coming) {
      const next = await Promise.race([coming, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
      if (next) this.flow.next(next);
      else if (next === null) notice(pair.alternatives ? 'No further candidate for this query waits for you.' : 'That was the last candidate of this query: it gets no sample.');
    }
    await this.flow.forward(pressed);
  }

  async undo() {
    if (performance.now() < this.flow.busyUntil && review.current) return;
    const local = this.history.pop();
    const last = local ?? this.#lastKnown();
    if (!last) {
      notice('Nothing to undo.');
      return;
    }
    const pressed = performance.now();
    const undo = { id: newId(), verdict: 'undo', undoes: last.id };
    const told = this.#send(undo, last.pair, () => {});
    if (!last.whole) {
      await told;
      await this.flow.open(last.pair);
      return;
    }
    this.flow.judged.delete(keyOf(last.pair));
    const back = { ...last.pair, own: null, state: 'undecided', others: null };
    this.flow.seen = this.flow.seen.filter((other) => keyOf(other) !== keyOf(back));
    const behind = [review.current, ...this.flow.ahead].filter(Boolean);
    this.flow.ahead = behind.filter((other) => keyOf(other) !== keyOf(back) && !(other.query === back.query && other.rank > back.rank));
    this.flow.present(back, pressed);
    this.flow.fill();
  }

  #lastKnown() {
    const found = review.session?.recent?.find(({ decision }) => !this.undone?.has(decision.id));
    return found && { id: found.decision.id, pair: found, whole: false };
  }

  // a note goes with the next verdict on the pair; where there is one already, it is given anew with the note
  note(text) {
    const pair = review.current;
    if (!pair) return;
    if (pair.own && pair.own.verdict !== 'skip') {
      const decision = { ...this.#decision(pair, pair.own.verdict, pair.own.reason ?? undefined), note: text };
      this.#send(decision, pair, () => {});
      this.history.push({ id: decision.id, pair, whole: true });
      pair.own = { ...pair.own, id: decision.id, note: text };
    } else {
      this.noted.set(keyOf(pair), text);
    }
    this.changed();
  }

  noteOf(pair) {
    return this.noted.get(keyOf(pair)) ?? pair.own?.note ?? '';
  }

  // many by their captions: those left out are skipped, so that they come with their clips
  async bulk(accepted, leftOut) {
    const given = (row, verdict) => ({ id: newId(), query: row.query, contrast: row.contrast, verdict, mode: 'bulk', saw: row.own?.id ?? '' });
    const decisions = [...accepted.map((row) => given(row, 'accept')), ...leftOut.map((row) => given(row, 'skip'))];
    saved('saving', `Saving ${decisions.length}…`);
    await this.outbox.send(...decisions);
  }

  async settle(row, verdict) {
    await this.#send({ id: newId(), query: row.query, contrast: row.contrast, verdict }, row, () => {});
  }

  #decision(pair, verdict, reason) {
    const note = this.noteOf(pair);
    const decision = { id: newId(), query: pair.query, contrast: pair.contrast, verdict, saw: pair.own?.id ?? '' };
    return { ...decision, ...(reason && { reason }), ...(note && { note }) };
  }

  async #send(decision, pair, then) {
    review.pending.set(decision.id, { decision, pair });
    this.changed();
    try {
      const answer = await this.outbox.send(decision);
      this.noted.delete(keyOf(pair));
      if (decision.undoes) (this.undone ??= new Set()).add(decision.undoes);
      then(answer);
    } catch (error) {
      if (!(error instanceof Refused) && !error.status) throw error;
      await this.#refused(decision, pair, error);
    } finally {
      review.pending.delete(decision.id);
      this.changed();
    }
  }

  async #refused(decision, pair, error) {
    this.history = this.history.filter(({ id }) => id !== decision.id);
    saved('waiting', 'Not saved');
    if (error.code === 'stale') {
      // shown as it is now: the same key again overrides what the other window said
      await this.flow.open(pair);
      notice(`Not saved: ${error.message}`);
    } else {
      banner();
    }
  }
}

// ---- the sheets for a reason and for a note ------------------------------------------------------------------------

export function openReasons(verdict, pair) {
  const sheet = $('#reasons');
  sheet.dataset.verdict = verdict;
  $('#reasons-title').textContent = verdict === 'replace' ? 'Replace: why?' : 'Why reject?';
  show($('#no-reason'), verdict === 'replace');
  show($('#note-form'), false);
  $('#note').value = pair.own?.note ?? '';
  if (!sheet.open) sheet.showModal();
}

export function openNote(text) {
  $('#any-note').value = text;
  $('#note-sheet').showModal();
}


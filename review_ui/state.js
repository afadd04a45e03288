// What all parts of the page know: the session as the server last told it, and the pair on screen.

export const review = {
  // see Desk.session; null until the page has heard from the server
  session: null,
  // the pair on screen, null where there is none
  current: null,
  // decisions on their way, by id: what the list of the last verdicts shows before the server has them
  pending: new Map(),
};

export const keyOf = (pair) => `${pair.query}|${pair.contrast}`;

export const VERDICT = {
  accept: 'accepted', reject: 'rejected', replace: 'replaced', skip: 'skipped', undo: 'taken back',
  'settle-accept': 'settled: accept', 'settle-reject': 'settled: reject',
};

// a verdict in words
export function wordsOf(vote) {
  return [VERDICT[vote.verdict], vote.mode === 'bulk' && 'by captions', vote.reason && (review.session?.reasons[vote.reason] ?? vote.reason), vote.note].filter(Boolean).join(', ');
}

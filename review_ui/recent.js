// The last ten verdicts, in view: each opens its pair again, to be judged anew.

import { $, element } from './dom.js';
import { VERDICT, keyOf, review } from './state.js';

const SIGN = { accept: '✓', reject: '✗', replace: '⇄', skip: '…', 'settle-accept': '✓', 'settle-reject': '✗' };
const MOST = 10;

export function showRecent(open) {
  const onTheWay = [...review.pending.values()].filter(({ decision }) => decision.verdict !== 'undo').reverse();
  const taken = new Set([...review.pending.values()].map(({ decision }) => decision.undoes).filter(Boolean));
  const known = review.session.recent.filter(({ decision }) => !taken.has(decision.id));
  const rows = [...onTheWay.map(({ decision, pair }) => ({ ...pair, decision, waits: true })), ...known];
  const seen = new Set();
  const latest = rows.filter((row) => !seen.has(keyOf(row)) && seen.add(keyOf(row))).slice(0, MOST);
  const chips = latest.map((row) => {
    const { verdict, note } = row.decision;
    const words = `${VERDICT[verdict]}: ${row.text} / ${row.contrast_text}`;
    return element(
      'button',
      { type: 'button', class: `said-${verdict} ${row.waits ? 'waits' : ''}`, title: `${words}${note ? ` — ${note}` : ''}`, 'aria-label': `${words}; look again`, onclick: () => open(row) },
      element('b', { 'aria-hidden': 'true' }, SIGN[verdict]),
      element('span', {}, row.text),
    );
  });
  $('#recent').replaceChildren(...(chips.length ? [element('span', { class: 'quiet' }, 'Last'), ...chips] : []));
}

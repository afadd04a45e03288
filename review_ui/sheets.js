// The sheets: keys and how to change them, agreement and disputes.

import { get } from './api.js';
import { $, element } from './dom.js';
import { ACTIONS, keyName } from './keys.js';
import { wordsOf } from './state.js';

const HINTS = 'keys change at once and are kept in this browser';

export function fillKeys(keys, changed) {
  const message = $('#keys-message');
  const rows = Object.entries(ACTIONS).map(([action, [, words]]) => {
    const button = element('button', { type: 'button', 'data-action': action, 'aria-label': `${words}: ${keyName(keys.of(action))}; change` }, element('kbd', {}, keyName(keys.of(action))));
    button.addEventListener('click', () => {
      button.classList.add('asking');
      message.textContent = `Press the new key for “${words}”, or Esc.`;
      keys.ask((key) => {
        const wrong = key === null ? '' : keys.set(action, key);
        fillKeys(keys, changed);
        changed();
        $('#keys-message').textContent = wrong || HINTS;
        $(`#keys [data-action="${action}"]`).focus();
      });
    });
    return element('div', {}, element('span', {}, words), button);
  });
  $('#keys').replaceChildren(...rows);
  $('#legend').replaceChildren(
    ...['who', 'verb', 'what', 'where', 'when'].map((slot) => element('span', { class: `role ${slot}` }, slot)),
    element('span', { class: 'role who differing' }, 'differs'),
    element('span', { class: 'role who shared' }, 'shared'),
  );
}

export async function fillAgreement({ settle, open }) {
  const body = $('#agreement-body');
  const found = await get('/api/agreement');
  const share = (value) => (value === null ? '–' : `${(100 * value).toFixed(0)} %`);
  const asked = found.reviewers.some((row) => row.known[1]);
  const parts = [
    table(
      ['Reviewer', 'accepted', 'by captions', 'rejected', 'skipped', 'seconds a pair', 'agrees with others', ...(asked ? ['known right'] : [])],
      found.reviewers.map((row) => [row.name, row.accepted, row.bulk, row.rejected, row.skipped, row.seconds_a_pair === null ? '–' : row.seconds_a_pair.toFixed(1), share(row.agreement), ...(asked ? [row.known[1] ? `${row.known[0]} of ${row.known[1]}` : '–'] : [])]),
      'Nobody has reviewed yet.',
    ),
    element('h3', {}, 'Between reviewers'),
    table(
      ['Reviewers', 'pairs in common', 'agreement', 'Cohen’s κ'],
      found.agreement.map((row) => [row.reviewers.join(' and '), row.pairs, `${row.percent.toFixed(1)} %`, row.kappa === null ? 'not defined' : row.kappa.toFixed(2)]),
      'No pair has been judged by two reviewers yet.',
    ),
    element('h3', {}, 'Disputes to settle'),
    ...found.disagreements.map((row) => dispute(row, { settle, open })),
  ];
  if (!found.disagreements.length) parts.push(element('p', { class: 'quiet' }, 'None.'));
  if (found.hidden) parts.push(element('p', { class: 'quiet' }, `${found.hidden} more on pairs that still wait for your verdict.`));
  body.replaceChildren(...parts);
}

function dispute(row, { settle, open }) {
  const votes = row.votes.map((vote) => `${vote.reviewer}: ${wordsOf(vote)}`).join(' · ');
  const settling = row.party
    ? [element('p', { class: 'quiet' }, 'You are a party to this: change your own verdict, or let somebody settle it who has not judged it.')]
    : [
        element('button', { type: 'button', onclick: () => settle(row, 'settle-accept') }, 'Settle: accept'),
        element('button', { type: 'button', onclick: () => settle(row, 'settle-reject') }, 'Settle: reject'),
      ];
  return element(
    'div',
    { class: 'dispute', 'data-pair': `${row.query}|${row.contrast}` },
    element('div', {}, row.text),
    element('div', { class: 'quiet' }, row.contrast_text),
    element('p', { class: 'votes' }, votes),
    element('div', { class: 'choices' }, ...settling, element('button', { type: 'button', onclick: () => open(row) }, 'Look at it')),
  );
}

function table(heads, rows, empty) {
  if (!rows.length) return element('p', { class: 'quiet' }, empty);
  const cells = (name, values) => element('tr', {}, ...values.map((value) => element(name, {}, String(value))));
  return element('div', { class: 'table', tabIndex: 0, role: 'group', 'aria-label': heads[0] }, element('table', {}, element('thead', {}, cells('th', heads)), element('tbody', {}, ...rows.map((row) => cells('td', row)))));
}

// What the page says beside the pair: how far one is, what has been saved, what went wrong, what changed for those who do not see it.

import { Refused } from './api.js';
import { $, element, show } from './dom.js';
import { review } from './state.js';

let fault = null;
let unsent = 0;
let noticed = '';
let clock;
let box = null;

// for the decisions that were said no to: they are shown until they are sent again or dismissed
export function useOutbox(outbox) {
  box = outbox;
}

export function progress() {
  const { total, done, again, seconds_a_pair: pace, seconds_left: left } = review.session.progress;
  $('#bar').max = Math.max(1, total);
  $('#bar').value = done;
  const parts = [`${done.toLocaleString('en')} of ${total.toLocaleString('en')}`];
  if (again) parts.push(`${again.toLocaleString('en')} to look at again`);
  if (pace) parts.push(`${(60 / Math.max(pace, 0.01)).toFixed(pace > 6 ? 1 : 0)} a minute`);
  if (left && done < total) parts.push(`${duration(left)} left`);
  $('#progress-words').textContent = parts.join(' · ');
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return 'under a minute';
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function saved(state, text) {
  $('#saved').className = `saved ${state}`;
  if ($('#saved').textContent !== text) $('#saved').textContent = text;
}

// said to a screen reader alone
export function announce(text) {
  $('#announcer').textContent = text;
}

export function notice(text) {
  clearTimeout(clock);
  noticed = text;
  clock = setTimeout(() => {
    noticed = '';
    banner();
  }, 8000);
  banner();
}

// the server failed, or could not be reached: its own sentence where there is one
export function unreached(error) {
  if (error instanceof Refused && error.code === 'other-dataset') {
    // another dataset stands at this address now; what was kept for this one waits for it
    location.reload();
    return;
  }
  if (error instanceof Refused && error.status !== 401) {
    notice(error.message);
    return;
  }
  fault = error;
  banner();
}

export function reached() {
  if (!fault) return;
  fault = null;
  banner();
}

export const isAway = () => fault !== null;

export function waiting(number) {
  unsent = number;
  banner();
}

export function banner() {
  const target = $('#banner');
  const refused = box?.refused() ?? [];
  if (fault) {
    const why = fault.status === 401
      ? 'The token is not this server’s any more: open the address that it printed.'
      : fault.status ? `The server says: ${fault.message}.` : 'The server does not answer.';
    const kept = unsent ? `${unsent} verdict${unsent > 1 ? 's are' : ' is'} kept in this browser and will be sent when it is back.` : 'Verdicts are kept in this browser until it is back.';
    target.textContent = `${why.replace('..', '.')} ${kept}`;
  } else if (refused.length) {
    target.replaceChildren(
      `${refused.length} verdict${refused.length > 1 ? 's were' : ' was'} not accepted: ${refused.map((r) => `${r.query ?? ''} (${r.verdict}): ${r.message}`).join('; ')} `,
      element('button', { type: 'button', onclick: () => box.retryRefused() }, 'Try again'),
      ' ',
      element('button', { type: 'button', onclick: () => { box.forgetRefused(); banner(); } }, 'Dismiss'),
    );
  } else if (noticed) target.textContent = noticed;
  show(target, fault !== null || refused.length > 0 || noticed !== '');
}

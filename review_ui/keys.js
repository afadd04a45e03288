// Keys: one table of actions, remapped by the reviewer. They belong to what has the focus: a menu, a text field, a list or a button
// keeps its own, and no verdict is given from there.

export const ACTIONS = {
  accept: ['a', 'Accept, and on to the next'],
  reject: ['r', 'Reject: choose a reason'],
  reason1: ['1', 'Reject: linguistically ambiguous'],
  reason2: ['2', 'Reject: visually ambiguous'],
  reason3: ['3', 'Reject: referent also in the contrast video'],
  reason4: ['4', 'Reject: bad annotation'],
  reason5: ['5', 'Reject: other, with a note'],
  replace: ['e', 'Replace: twice, or with a reason'],
  skip: ['s', 'Skip for now'],
  undo: ['u', 'Undo the last verdict, and go back to it'],
  note: ['n', 'Note on this pair'],
  play: [' ', 'Play or pause'],
  faster: ['f', 'Speed: 1×, 2×, 4×'],
  back: ['ArrowLeft', 'One frame back'],
  forward: ['ArrowRight', 'One frame on'],
  previousMark: ['ArrowUp', 'Previous annotated frame'],
  nextMark: ['ArrowDown', 'Next annotated frame'],
  outline: ['o', 'Outline on or off'],
  composed: ['c', 'Clips, composed S, composed T'],
  next: ['j', 'Next pair, without a verdict'],
  previous: ['k', 'Previous pair'],
  bulk: ['b', 'Many by their captions'],
  list: ['l', 'List and filters'],
  agreement: ['g', 'Agreement and disputes'],
  help: ['?', 'Help'],
};
// holding one of these down goes on; holding a verdict's key must not judge the next pair
const REPEATING = new Set(['back', 'forward', 'previousMark', 'nextMark']);
const STORED = 'a2dsplus:keys';
const NAMES = { ' ': 'Space', ArrowLeft: '←', ArrowRight: '→', ArrowUp: '↑', ArrowDown: '↓' };

export const keyName = (key) => NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);

export class Keys {
  // `act(action)` does it; `wants(action)` says whether it can be done now: a key that is not wanted keeps its usual meaning
  constructor(act, wants) {
    this.act = act;
    this.wants = wants;
    this.map = { ...defaults(), ...stored() };
    addEventListener('keydown', (event) => this.#heard(event), true);
  }

  of(action) {
    return this.map[action];
  }

  // changes a key; returns what is wrong with it, or ''
  set(action, key) {
    if (['Escape', 'Tab', 'Enter', 'Shift', 'Control', 'Alt', 'Meta', 'Dead', 'Process'].includes(key)) {
      return `${keyName(key)} cannot be chosen: pages need it.`;
    }
    const taken = Object.keys(this.map).find((other) => other !== action && this.map[other] === folded(key));
    if (taken) return `${keyName(key)} is taken by “${ACTIONS[taken][1]}”.`;
    this.map[action] = folded(key);
    localStorage.setItem(STORED, JSON.stringify(this.map));
    return '';
  }

  reset() {
    this.map = defaults();
    localStorage.removeItem(STORED);
  }

  // calls back with the next key pressed, instead of acting on it; Escape gives null
  ask(callback) {
    this.asking = callback;
  }

  #heard(event) {
    if (this.asking) {
      if (['Shift', 'Control', 'Alt', 'Meta'].includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      const callback = this.asking;
      this.asking = null;
      callback(event.key === 'Escape' ? null : meant(event));
      return;
    }
    const action = this.#action(event);
    if (!action || !this.wants(action)) return;
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat || REPEATING.has(action)) this.act(action);
  }

  #action(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keeps(event)) return null;
    const key = meant(event);
    return Object.keys(this.map).find((action) => this.map[action] === key) ?? null;
  }
}

// whether what has the focus keeps this key for itself
function keeps(event) {
  const { target, key } = event;
  if (!(target instanceof Element)) return false;
  if (target.closest('textarea, select, [contenteditable]')) return true;
  const input = target.closest('input');
  if (input) {
    if (input.type === 'range') return key.startsWith('Arrow') || ['Home', 'End', 'PageUp', 'PageDown'].includes(key);
    return !(input.type === 'checkbox' && key !== ' ');
  }
  return key === ' ' && target.closest('button, summary, a') !== null;
}

// the key by its letter where that is Latin, else by its place: on a Cyrillic or Greek layout A is where it always was
function meant(event) {
  const { key, code, shiftKey } = event;
  // the digits' keys of a French keyboard give these
  const digit = !shiftKey && /^[&"'(\-_)=]$/.test(key);
  if (key.length !== 1 || (/^[\x20-\x7e]$/.test(key) && !digit)) return folded(key);
  const place = /^(?:Key([A-Z])|Digit(\d))$/.exec(code);
  if (place) return (place[1] ?? place[2]).toLowerCase();
  return code === 'Slash' && event.shiftKey ? '?' : folded(key);
}

const folded = (key) => (key.length === 1 ? key.toLowerCase() : key);
const defaults = () => Object.fromEntries(Object.entries(ACTIONS).map(([action, [key]]) => [action, key]));

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(STORED) ?? '{}');
    return Object.fromEntries(Object.entries(found).filter(([action, key]) => action in ACTIONS && typeof key === 'string'));
  } catch {
    return {};
  }
}

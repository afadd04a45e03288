// Keys: one table of actions, remapped by the reviewer, heard wherever the focus is, never inside a text field.

export const ACTIONS = {
  accept: ['a', 'Accept, and on to the next'],
  reject: ['r', 'Reject: choose a reason'],
  reason1: ['1', 'Reject: linguistically ambiguous'],
  reason2: ['2', 'Reject: visually ambiguous'],
  reason3: ['3', 'Reject: referent also in the contrast video'],
  reason4: ['4', 'Reject: bad annotation'],
  reason5: ['5', 'Reject: other, with a note'],
  replace: ['e', 'Replace: next candidate'],
  skip: ['s', 'Skip for now'],
  undo: ['u', 'Undo the last verdict, and go back to it'],
  play: [' ', 'Play or pause'],
  back: ['ArrowLeft', 'One frame back'],
  forward: ['ArrowRight', 'One frame on'],
  previousMark: ['ArrowUp', 'Previous annotated frame'],
  nextMark: ['ArrowDown', 'Next annotated frame'],
  outline: ['o', 'Outline on or off'],
  composed: ['c', 'Clips, composed S, composed T'],
  next: ['j', 'Next pair, without a verdict'],
  previous: ['k', 'Previous pair'],
  list: ['l', 'List and filters'],
  agreement: ['g', 'Agreement and disagreements'],
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
    // in the capture phase: no widget that has the focus can swallow a key
    addEventListener('keydown', (event) => this.#heard(event), true);
    addEventListener('keyup', (event) => this.#released(event), true);
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
      callback(event.key === 'Escape' ? null : event.key);
      return;
    }
    const action = this.#action(event);
    if (!action || !this.wants(action)) return;
    event.preventDefault();
    event.stopPropagation();
    this.held = event.key;
    if (!event.repeat || REPEATING.has(action)) this.act(action);
  }

  // a button that has the focus is pressed by Space when it is released: it was ours
  #released(event) {
    if (event.key === this.held) {
      event.preventDefault();
      this.held = null;
    }
  }

  #action(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || writes(event.target)) return null;
    // a choice that keeps the focus after a click keeps its own keys, and no others
    if (event.target instanceof HTMLSelectElement && (event.key === ' ' || event.key.startsWith('Arrow'))) return null;
    const key = folded(event.key);
    return Object.keys(this.map).find((action) => this.map[action] === key) ?? null;
  }
}

function writes(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest('textarea, [contenteditable]')) return true;
  const input = target.closest('input');
  return input !== null && !['range', 'checkbox', 'radio', 'button', 'submit'].includes(input.type);
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

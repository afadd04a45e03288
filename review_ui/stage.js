// One pair on the page: two captions, two clips, the other captions. Built ahead of time and hidden, so that showing it is instant.

import { element } from './dom.js';
import { address } from './api.js';
import { Outline } from './outline.js';

export const keyOf = (pair) => `${pair.query}|${pair.contrast}`;
const SHORT = (role) => role.replace(/^ARGM-/, '');

export class Stage {
  constructor(pair) {
    this.pair = pair;
    this.sides = pair.sides.map((side, index) => new Side(side, index === 0 ? 'query' : 'contrast'));
    this.whole = element('div', { class: 'whole' });
    this.root = element('section', { class: 'stage', 'aria-label': 'Pair' }, ...this.sides.map((side) => side.root), this.whole);
    this.root.inert = true;
    this.root.dataset.pair = keyOf(pair);
  }

  // the two clips' frames run on one clock: the longer clip's, in frames
  get frames() {
    return Math.max(1, ...this.sides.map((side) => side.data.frames));
  }

  marks(index) {
    const { data } = this.sides[index];
    return Object.keys(data.outlines).map(Number).filter((frame) => data.outlines[frame][data.instance]).sort((a, b) => a - b);
  }

  // shows the composed sample ('S' or 'T') instead of the clips, or the clips again ('')
  compose(subset) {
    this.root.classList.toggle('composed', Boolean(subset));
    this.whole.replaceChildren();
    this.composed = null;
    if (!subset) return;
    const { query, contrast } = this.pair;
    const composed = video(address(`/preview/${subset}`, { query, contrast }));
    this.composed = composed;
    const picture = element('div', { class: 'picture' }, composed);
    composed.addEventListener('loadedmetadata', () => {
      picture.style.setProperty('--ratio', composed.videoWidth / composed.videoHeight);
    });
    const cell = element('div', { class: 'cell' }, picture);
    composed.addEventListener('error', () => cell.replaceChildren(fault('The composed sample cannot be played: is a clip missing?')));
    this.whole.append(caption(this.pair.sides[0]), cell);
  }

  drop() {
    for (const { player } of [...this.sides, { player: this.composed }]) {
      if (!player) continue;
      // lets go of the decoder at once instead of at the next garbage collection
      player.removeAttribute('src');
      player.load();
    }
    this.root.remove();
  }
}

class Side {
  constructor(data, kind) {
    this.data = data;
    this.outline = new Outline(data, kind);
    this.player = data.clip ? video(data.clip) : null;
    this.held = element('span', { class: 'held', hidden: true }, 'last frame held');
    const picture = element('div', { class: 'picture' }, this.player, this.outline.canvas, this.held);
    picture.style.setProperty('--ratio', data.width && data.height ? data.width / data.height : 1.5);
    const cell = element('div', { class: 'cell' }, data.fault ? fault(data.fault) : picture);
    this.player?.addEventListener('error', () => {
      if (this.player.getAttribute('src')) cell.replaceChildren(fault(`The clip of ${data.video} cannot be played.`));
    });
    this.root = element(
      'section',
      { class: `side ${kind}`, 'aria-label': kind === 'query' ? 'Query' : 'Contrast' },
      element('p', { class: 'kind' }, kind === 'query' ? 'Query' : 'Contrast', element('span', {}, data.query)),
      caption(data),
      cell,
      this.#also(),
    );
  }

  #also() {
    const { captions } = this.data;
    if (!captions.length) return element('div', { class: 'also' }, element('p', {}, 'No other caption in this video.'));
    const rows = captions.map((row) => {
      const button = element('button', { type: 'button', 'aria-pressed': 'false', title: 'Outline this one' }, element('b', {}, row.instance), row.text);
      const light = (on) => {
        this.outline.highlighted = on || button.getAttribute('aria-pressed') === 'true' ? row.instance : null;
        this.redraw?.();
      };
      button.addEventListener('pointerenter', () => light(true));
      button.addEventListener('pointerleave', () => light(false));
      button.addEventListener('click', () => {
        button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
        light(false);
      });
      return element('li', {}, button);
    });
    const words = captions.length === 1 ? 'Also in this video' : `Also in this video, ${captions.length} captions`;
    return element('div', { class: 'also', tabIndex: -1 }, element('p', {}, words), element('ul', {}, ...rows));
  }
}

function caption(data) {
  const parts = data.pieces.map((piece) => {
    if (!piece.slot) return piece.text;
    const meaning = { shared: 'shared', differing: 'differs' }[piece.relation] ?? '';
    const title = [`${piece.slot} (${piece.role})`, meaning].filter(Boolean).join(', ');
    return element('span', { class: `role ${piece.slot} ${piece.relation}`, 'data-label': SHORT(piece.role), title }, piece.text);
  });
  const told = (relation) => data.pieces.filter((p) => p.relation === relation).map((p) => `${p.slot} “${p.text}”`).join(', ');
  const words = [['Differs', told('differing')], ['Shared', told('shared')]].filter(([, list]) => list).map(([name, list]) => `${name}: ${list}.`);
  return element('p', { class: 'caption' }, ...parts, element('span', { class: 'hidden-words' }, ` ${words.join(' ')}`));
}

function video(source) {
  const player = element('video', { muted: true, playsInline: true, preload: 'auto', disablePictureInPicture: true, tabIndex: -1 });
  player.defaultMuted = true;
  player.src = source;
  return player;
}

const fault = (words) => element('p', { class: 'fault' }, words);

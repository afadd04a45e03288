// One pair on the page: two captions, what keeps them apart, two clips with their annotated frames, the other captions. Built ahead of
// time and hidden, so that showing it is instant.

import { address } from './api.js';
import { source } from './clips.js';
import { element } from './dom.js';
import { Outline } from './outline.js';
import { keyOf } from './state.js';

const SHORT = (role) => role.replace(/^ARGM-/, '');

export class Stage {
  constructor(pair) {
    this.pair = pair;
    this.subset = '';
    this.sides = pair.sides.map((side, index) => new Side(side, index === 0 ? 'query' : 'contrast'));
    this.whole = element('div', { class: 'whole' });
    this.root = element('section', { class: 'stage', 'aria-label': 'Pair' }, ...this.sides.map((side) => side.root), why(pair), this.whole);
    this.root.inert = true;
    this.root.dataset.pair = keyOf(pair);
    const ratios = pair.sides.map((side) => (side.width && side.height ? side.width / side.height : 1.5));
    this.root.style.setProperty('--widest', Math.min(...ratios));
  }

  show(on) {
    this.root.classList.toggle('shown', on);
    this.root.inert = !on;
  }

  marks(index) {
    return this.sides[index].marks;
  }

  // the first frame where one of the two referents is annotated
  get start() {
    const first = [...this.marks(0).slice(0, 1), ...this.marks(1).slice(0, 1)];
    return first.length ? Math.min(...first) : 1;
  }

  // shows the composed sample ('S' or 'T') instead of the clips, or the clips again ('')
  compose(subset) {
    if (subset === this.subset) return;
    this.subset = subset;
    this.root.classList.toggle('composed', Boolean(subset));
    this.whole.replaceChildren();
    this.composed = null;
    if (!subset) return;
    const { query, contrast } = this.pair;
    const composed = video(address(`/preview/${subset}`, { query, contrast }), `Composed sample ${subset}`);
    this.composed = composed;
    const picture = element('div', { class: 'picture' }, composed);
    composed.addEventListener('loadedmetadata', () => {
      picture.style.setProperty('--ratio', composed.videoWidth / composed.videoHeight);
    });
    const cell = element('div', { class: 'cell' }, picture);
    composed.addEventListener('error', () => cell.replaceChildren(fault('The composed sample cannot be played: is a clip missing?')));
    this.whole.append(cell);
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
    const named = kind === 'query' ? 'the query' : 'the contrast';
    this.marks = Object.keys(data.outlines).map(Number).filter((frame) => (data.objects ?? []).some((name) => data.outlines[frame][name])).sort((a, b) => a - b);
    this.player = data.clip ? video(source(data.clip), `Clip of ${named}: ${data.text}`) : null;
    this.held = element('span', { class: 'held', hidden: true }, 'last frame held');
    const picture = element('div', { class: 'picture' }, this.player, this.outline.canvas, this.held);
    picture.style.setProperty('--ratio', data.width && data.height ? data.width / data.height : 1.5);
    const cell = element('div', { class: 'cell' }, data.fault ? fault(data.fault) : picture);
    this.player?.addEventListener('error', () => this.#failed(cell));
    this.root = element(
      'section',
      { class: `side ${kind}`, 'aria-label': kind === 'query' ? 'Query' : 'Contrast' },
      element('p', { class: 'kind' }, kind === 'query' ? 'Query' : 'Contrast', element('span', {}, data.query), data.position.length ? element('em', { class: 'flag', title: 'What it says may stop being true beside the other clip' }, `position: ${data.position.join(', ')}`) : null),
      caption(data),
      cell,
      this.#strip(),
      this.#also(),
    );
  }

  // a clip in memory may have been let go of: once more, from its address
  #failed(cell) {
    const given = this.player.getAttribute('src');
    if (!given) return;
    if (given !== this.data.clip) this.player.src = this.data.clip;
    else cell.replaceChildren(fault(`The clip of ${this.data.video} cannot be played.`));
  }

  // the annotated frames as small pictures: one image, cut by the place of each
  #strip() {
    const { data, marks } = this;
    if (!marks.length || data.fault) return element('div', { class: 'strip' });
    const all = Object.keys(data.outlines).map(Number).sort((a, b) => a - b);
    const frames = marks.map((frame) => {
      const picture = element('span', { class: 'frame-picture' });
      picture.style.setProperty('--ratio', data.width / data.height);
      picture.style.backgroundImage = `url("${data.strip}")`;
      picture.style.backgroundSize = `${100 * all.length}% 100%`;
      picture.style.backgroundPosition = all.length > 1 ? `${(100 * all.indexOf(frame)) / (all.length - 1)}% 0` : '0 0';
      return element('button', { type: 'button', title: `Annotated frame ${frame}`, 'aria-label': `Annotated frame ${frame}`, onclick: () => this.chosen?.(frame) }, picture, element('small', {}, String(frame)));
    });
    return element('div', { class: 'strip', role: 'group', 'aria-label': 'Annotated frames' }, ...frames);
  }

  #also() {
    const { captions } = this.data;
    if (!captions.length) return element('div', { class: 'also' }, element('p', {}, 'No other caption in this video.'));
    const rows = captions.map((row) => {
      const button = element('button', { type: 'button', 'aria-pressed': 'false', title: 'Outline this one' }, element('b', {}, row.name), row.text, row.fits ? element('em', { class: 'flag' }, 'may fit the query') : null);
      const light = (on) => {
        this.outline.highlighted = on || button.getAttribute('aria-pressed') === 'true' ? row.objects ?? [] : [];
        this.redraw?.();
      };
      button.addEventListener('pointerenter', () => light(true));
      button.addEventListener('pointerleave', () => light(false));
      button.addEventListener('click', () => {
        button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') !== 'true'));
        light(false);
      });
      return element('li', { class: row.fits ? 'fits' : '' }, button);
    });
    const words = captions.length === 1 ? 'Also in this video' : `Also in this video, ${captions.length} captions`;
    return element('div', { class: 'also', tabIndex: -1 }, element('p', {}, words), element('ul', {}, ...rows));
  }
}

// what keeps the two apart, and what does not
export function why(pair) {
  const told = pair.why.map((line) => element('li', { class: line.kind }, ...line.pieces.map((piece) => (piece.slot ? element('b', { class: `role ${piece.slot}` }, piece.text) : piece.text))));
  return element('ul', { class: 'why', 'aria-label': 'What keeps these apart' }, ...told);
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

function video(address, name) {
  const player = element('video', { muted: true, playsInline: true, preload: 'auto', disablePictureInPicture: true, tabIndex: -1, 'aria-label': name });
  player.defaultMuted = true;
  player.src = address;
  return player;
}

const fault = (words) => element('p', { class: 'fault' }, words);

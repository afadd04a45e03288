// How a pair is looked at: two clips or the composed sample, with outlines or without, how fast.

import { $, $$ } from './dom.js';
import { Player } from './player.js';
import { keyOf } from './state.js';

const VIEWS = ['', 'S', 'T'];
const SPEED = 'a2dsplus:speed';

export class View {
  constructor() {
    this.subset = '';
    this.stage = null;
    this.player = new Player({
      scrubber: $('#scrubber'),
      frame: $('#frame'),
      marks: [$('#marks-query'), $('#marks-contrast')],
      icon: $('#play-icon'),
      button: $('[data-do="play"]'),
    });
    this.speed(Number(localStorage.getItem(SPEED)) || 1);
    for (const button of $$('[data-view]')) button.addEventListener('click', () => this.look(button.dataset.view));
  }

  // a stage that comes soon: its players get ready, the composed sample's too where that is what one looks at
  prepare(stage) {
    if (this.subset) stage.compose(this.subset);
  }

  attach(stage, pressed) {
    this.stage = stage;
    const play = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#attach(play, () => {
      if (pressed !== undefined) performance.measure('a2dsplus:next-pair', { start: pressed, end: performance.now() });
      document.body.dataset.running = keyOf(stage.pair);
    });
  }

  detach() {
    this.stage = null;
    this.player.detach();
  }

  #attach(play, shown) {
    this.player.attach(this.stage, { subset: this.subset, play, shown });
  }

  look(subset) {
    this.subset = subset;
    for (const button of $$('[data-view]')) button.setAttribute('aria-pressed', String(button.dataset.view === subset));
    if (this.stage) this.#attach(this.player.playing);
  }

  lookOn() {
    this.look(VIEWS[(VIEWS.indexOf(this.subset) + 1) % VIEWS.length]);
  }

  outlines(on = !this.player.outlines) {
    this.player.outlines = on;
    $('[data-do="outline"]').setAttribute('aria-pressed', String(on));
    this.player.draw();
  }

  speed(times = { 1: 2, 2: 4, 4: 1 }[this.player.speed]) {
    const known = [1, 2, 4].includes(times) ? times : 1;
    this.player.setSpeed(known);
    localStorage.setItem(SPEED, String(known));
    $('#speed').textContent = `${known}×`;
  }
}

// Plays the two clips of a stage in step, looped, and draws their outlines; or plays the composed sample. Frames are 1-based.

const PLAY = 'M8 5v14l11-7z';
const PAUSE = 'M7 5h4v14H7zM13 5h4v14h-4z';

export class Player {
  constructor({ scrubber, frame, marks, icon, button }) {
    Object.assign(this, { scrubber, frameOutput: frame, marksAt: marks, icon, button });
    this.outlines = true;
    this.playing = false;
    scrubber.addEventListener('input', () => {
      this.pause();
      this.seek(Number(scrubber.value));
    });
    addEventListener('resize', () => this.draw());
    // a page in the background is not shown: its clips drift, so they start together again
    document.addEventListener('visibilitychange', () => !document.hidden && this.playing && this.play());
  }

  // takes over a stage; `shown` is called when both clips have put a frame on screen and run
  attach(stage, { subset, play, shown }) {
    this.detach();
    this.stage = stage;
    this.subset = subset;
    if (stage.composed === undefined || Boolean(stage.composed) !== Boolean(subset) || stage.subset !== subset) stage.compose(subset);
    stage.subset = subset;
    this.tracks = subset
      ? [{ player: stage.composed, rate: stage.sides[0].data.rate, frames: this.#composedFrames(), side: null, frame: 1 }]
      : stage.sides.map((side) => ({ player: side.player, rate: side.data.rate, frames: side.data.frames, side, frame: 1 }));
    this.tracks = this.tracks.filter((track) => track.player);
    this.frames = Math.max(1, ...this.tracks.map((track) => track.frames));
    this.scrubber.max = this.frames;
    this.#mark();
    for (const track of this.tracks) {
      track.ended = () => this.#ended();
      track.player.addEventListener('ended', track.ended);
      if (track.side) track.side.redraw = () => this.draw();
      this.#watch(track);
    }
    for (const { player } of this.tracks) if (player.currentTime > 0) player.currentTime = 0;
    this.draw();
    if (play) this.play();
    else this.pause();
    this.#whenRunning(shown);
  }

  detach() {
    for (const track of this.tracks ?? []) {
      track.player.pause();
      track.player.removeEventListener('ended', track.ended);
      track.player.cancelVideoFrameCallback?.(track.callback);
      track.dropped = true;
      if (track.side) track.side.redraw = null;
    }
    this.tracks = [];
    this.stage = null;
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  play() {
    this.#set(true);
    const frame = this.frame;
    if (frame >= this.frames) {
      this.#restart();
      return;
    }
    for (const track of this.tracks) {
      if (frame < track.frames) track.player.play().catch(() => {});
    }
  }

  pause() {
    this.#set(false);
    for (const { player } of this.tracks) player.pause();
  }

  seek(frame) {
    const wanted = Math.min(this.frames, Math.max(1, frame));
    for (const track of this.tracks) {
      track.frame = Math.min(wanted, track.frames);
      // the middle of a frame: half a frame of rounding either way still shows it
      track.player.currentTime = (track.frame - 0.5) / track.rate;
    }
    this.sought = wanted;
    this.draw();
  }

  step(by) {
    this.pause();
    this.seek(this.frame + by);
  }

  jump(direction) {
    const marks = [...new Set([...this.stage.marks(0), ...this.stage.marks(1)])].sort((a, b) => a - b);
    const target = direction > 0 ? marks.find((mark) => mark > this.frame) ?? marks[0] : marks.findLast((mark) => mark < this.frame) ?? marks.at(-1);
    if (target) {
      this.pause();
      this.seek(target);
    }
  }

  get frame() {
    return this.sought ?? Math.max(1, ...this.tracks.map((track) => track.frame));
  }

  draw() {
    if (!this.stage) return;
    const { frame } = this;
    this.scrubber.value = frame;
    this.scrubber.setAttribute('aria-valuetext', `frame ${frame} of ${this.frames}`);
    this.frameOutput.textContent = `${frame} / ${this.frames}`;
    for (const track of this.tracks) {
      if (!track.side) continue;
      track.side.outline.draw(track.frame, this.outlines);
      track.side.held.hidden = frame <= track.frames;
    }
  }

  #watch(track) {
    const seen = (_, { mediaTime }) => {
      if (track.dropped) return;
      track.frame = Math.min(track.frames, Math.round(mediaTime * track.rate) + 1);
      track.presented = true;
      if (this.playing) {
        this.sought = null;
        this.#keepStep();
      }
      this.draw();
      track.callback = track.player.requestVideoFrameCallback(seen);
    };
    track.callback = track.player.requestVideoFrameCallback(seen);
  }

  // pulls the second clip towards the first: gently, or by a jump where it is far away
  #keepStep() {
    const [first, second] = this.tracks;
    if (!second || first.player.ended || second.player.ended) return;
    const base = first.rate / second.rate;
    const ahead = second.player.currentTime * second.rate - first.player.currentTime * first.rate;
    if (Math.abs(ahead) > 8 && first.frame < second.frames) second.player.currentTime = (first.frame - 0.5) / second.rate;
    const rate = Math.abs(ahead) < 0.75 ? base : base * (1 - Math.max(-0.25, Math.min(0.25, ahead * 0.06)));
    if (Math.abs(second.player.playbackRate - rate) > 0.004) second.player.playbackRate = rate;
  }

  #ended() {
    if (this.tracks.every(({ player }) => player.ended)) {
      if (this.playing) this.#restart();
    }
    this.draw();
  }

  #restart() {
    this.sought = null;
    for (const track of this.tracks) {
      track.frame = 1;
      track.player.currentTime = 0;
    }
    for (const { player } of this.tracks) player.play().catch(() => {});
  }

  // reports once each clip runs and has put a frame on screen since the stage was attached
  #whenRunning(shown) {
    const { stage, tracks } = this;
    const look = () => {
      if (this.stage !== stage || this.tracks !== tracks) return;
      const done = tracks.every(({ player, presented }) => player.error || (this.playing ? presented && !player.paused && player.currentTime > 0 : player.readyState > 1));
      if (done) shown?.();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  #composedFrames() {
    const [query] = this.stage.sides;
    return this.subset === 'T' ? 2 * query.data.frames : query.data.frames;
  }

  #mark() {
    this.marksAt.forEach((box, index) => {
      const frames = this.subset ? [] : this.stage.marks(index);
      box.replaceChildren(
        ...frames.map((frame) => {
          const mark = document.createElement('i');
          mark.style.left = `${this.frames > 1 ? (100 * (frame - 1)) / (this.frames - 1) : 0}%`;
          return mark;
        }),
      );
    });
  }

  #set(playing) {
    this.playing = playing;
    this.icon.setAttribute('d', playing ? PAUSE : PLAY);
    this.button.setAttribute('aria-label', playing ? 'Pause' : 'Play');
  }
}

// Plays the two clips of a stage in step, looped, and draws their outlines; or plays the composed sample. Frames are 1-based.
// Which frame is on screen follows from when the browser presents it, so that clips of a variable rate have their own outlines.

const PLAY = 'M8 5v14l11-7z';
const PAUSE = 'M7 5h4v14H7zM13 5h4v14h-4z';

export class Player {
  constructor({ scrubber, frame, marks, icon, button }) {
    Object.assign(this, { scrubber, frameOutput: frame, marksAt: marks, icon, button });
    this.outlines = true;
    this.playing = false;
    this.speed = 1;
    this.tracks = [];
    scrubber.addEventListener('input', () => {
      this.pause();
      this.seek(Number(scrubber.value));
    });
    // after a pull with the mouse the keys are the page's again
    scrubber.addEventListener('pointerup', () => scrubber.blur());
    addEventListener('resize', () => this.draw());
    // a page in the background is not shown: its clips drift, so they start together again
    document.addEventListener('visibilitychange', () => !document.hidden && this.playing && this.play());
  }

  // takes over a stage; `shown` is called when both clips have put a frame on screen and run
  attach(stage, { subset, play, shown }) {
    this.detach();
    this.stage = stage;
    this.subset = subset;
    stage.compose(subset);
    this.tracks = subset
      ? [new Track({ player: stage.composed, rate: stage.sides[0].data.rate, frames: this.#composedFrames() })]
      : stage.sides.map((side) => new Track({ player: side.player, rate: side.data.rate, frames: side.data.frames, times: side.data.times, side }));
    this.tracks = this.tracks.filter((track) => track.player);
    this.frames = Math.max(1, ...this.tracks.map((track) => track.frames));
    this.scrubber.max = this.frames;
    this.#mark();
    for (const track of this.tracks) {
      track.ended = () => this.#ended();
      track.player.addEventListener('ended', track.ended);
      track.player.playbackRate = this.speed;
      if (track.side) {
        track.side.redraw = () => this.draw();
        track.side.chosen = (frame) => {
          this.pause();
          this.seek(frame);
        };
      }
      this.#watch(track);
    }
    // where there is something to see: at the first annotated frame
    this.seek(subset ? 1 : stage.start);
    if (play) this.play();
    else this.pause();
    this.#whenRunning(shown);
  }

  detach() {
    for (const track of this.tracks) {
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

  setSpeed(times) {
    this.speed = times;
    for (const { player } of this.tracks) player.playbackRate = times;
  }

  seek(frame) {
    const wanted = Math.min(this.frames, Math.max(1, frame));
    for (const track of this.tracks) track.seek(wanted);
    this.sought = wanted;
    this.draw();
  }

  step(by) {
    this.pause();
    this.seek(this.frame + by);
  }

  jump(direction) {
    if (!this.stage) return;
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
      track.frame = track.frameAt(mediaTime);
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

  // pulls the second clip towards the first, frame by frame: gently, or by a jump where it is far away
  #keepStep() {
    const [first, second] = this.tracks;
    if (!second || first.player.ended || second.player.ended) return;
    const base = (this.speed * first.rate) / second.rate;
    const ahead = second.place - first.place;
    if (Math.abs(ahead) > 8 && first.frame < second.frames) second.seek(first.frame);
    const rate = Math.abs(ahead) < 0.75 ? base : base * (1 - Math.max(-0.25, Math.min(0.25, ahead * 0.06)));
    if (Math.abs(second.player.playbackRate - rate) > 0.004) second.player.playbackRate = Math.min(16, Math.max(0.07, rate));
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
    const runs = (track) => {
      const { player, presented } = track;
      if (player.error) return true;
      if (!this.playing) return player.readyState > 1;
      const over = player.ended || this.frame >= track.frames;
      // what came in between (a clip put in anew, a start that was broken off) must not leave it standing
      if (player.paused && !over) player.play().catch(() => {});
      return presented && player.currentTime > 0 && (over || !player.paused);
    };
    const look = () => {
      if (this.stage !== stage || this.tracks !== tracks) return;
      const done = tracks.every(runs);
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

// One clip's frames and when each is presented. `times`: seconds, one a frame; null where the rate is constant.
class Track {
  constructor({ player, rate, frames, times = null, side = null }) {
    Object.assign(this, { player, rate, frames, times, side });
    this.frame = 1;
  }

  frameAt(time) {
    return Math.min(this.frames, Math.max(1, Math.floor(this.#place(time + 0.25 / this.rate))));
  }

  // where the clip is, in frames, with the part of a frame that has passed
  get place() {
    return this.#place(this.player.currentTime);
  }

  // the middle of a frame: half a frame of rounding either way still shows it
  seek(frame) {
    this.frame = Math.min(frame, this.frames);
    const { times } = this;
    const start = times ? times[this.frame - 1] : (this.frame - 1) / this.rate;
    const end = times?.[this.frame] ?? start + 1 / this.rate;
    this.player.currentTime = (start + end) / 2;
  }

  #place(time) {
    const { times, rate } = this;
    if (!times) return time * rate + 1;
    let [low, high] = [0, times.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle;
    }
    const length = (times[low + 1] ?? times[low] + 1 / rate) - times[low];
    return low + 1 + Math.min(0.999, Math.max(0, (time - times[low]) / length));
  }
}

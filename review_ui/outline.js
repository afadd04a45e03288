// The referent's outline over a clip, one for each object that the caption names: solid at annotated frames, dashed where it is only estimated from the nearest ones.

const COLOURS = { query: '#2fb5ff', contrast: '#ffb454', other: '#ffffff' };

export class Outline {
  // `side`: as the server describes it; frames are 1-based
  constructor(side, kind) {
    this.side = side;
    this.kind = kind;
    this.canvas = document.createElement('canvas');
    this.canvas.setAttribute('aria-hidden', 'true');
    this.highlighted = [];
    this.paths = new Map();
  }

  draw(frame, on) {
    const { canvas, side } = this;
    const scale = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale);
    const height = Math.round(canvas.clientHeight * scale);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext('2d');
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    if (!side.width) return;
    const zoom = { x: width / side.width, y: height / side.height, line: scale };
    for (const name of this.highlighted) this.#one(context, zoom, name, frame, COLOURS.other);
    if (on) for (const name of side.objects ?? []) this.#one(context, zoom, name, frame, COLOURS[this.kind]);
  }

  #one(context, zoom, object, frame, colour) {
    const found = this.#at(object, frame);
    if (!found) return;
    const { path, from, to, exact } = found;
    const [sx, sy] = [to[2] / from[2], to[3] / from[3]];
    const placed = new Path2D();
    placed.addPath(path, new DOMMatrix([zoom.x * sx, 0, 0, zoom.y * sy, zoom.x * (to[0] - from[0] * sx), zoom.y * (to[1] - from[1] * sy)]));
    context.setLineDash(exact ? [] : [6 * zoom.line, 5 * zoom.line]);
    context.lineJoin = 'round';
    for (const [stroke, width] of [['rgb(0 0 0 / 65%)', exact ? 5 : 4], [colour, exact ? 2.75 : 2]]) {
      context.strokeStyle = stroke;
      context.lineWidth = width * zoom.line;
      context.stroke(placed);
    }
  }

  // the outline at a frame: the annotated one, or the nearest annotated one moved to where the boxes around it say: between two
  // annotated frames their boxes' mean, outside them the motion between the two nearest, continued for at most as long
  #at(object, frame) {
    const frames = Object.keys(this.side.outlines).map(Number).filter((f) => this.side.outlines[f][object]).sort((a, b) => a - b);
    if (!frames.length) return null;
    if (this.side.outlines[frame]?.[object]) {
      const { box } = this.side.outlines[frame][object];
      return { path: this.#path(frame, object), from: box, to: box, exact: true };
    }
    const next = frames.findIndex((f) => f > frame);
    const at = Math.max(0, Math.min(frames.length - 2, (next < 0 ? frames.length : next) - 1));
    const [before, after] = [frames[at], frames[at + 1] ?? frames[at]];
    const [first, second] = [before, after].map((f) => this.side.outlines[f][object].box);
    const share = after > before ? Math.min(2, Math.max(-1, (frame - before) / (after - before))) : 0;
    const nearest = share < 0.5 ? before : after;
    const from = this.side.outlines[nearest][object].box;
    // sizes are not continued: a box that shrank would turn inside out
    const within = Math.min(1, Math.max(0, share));
    const size = [2, 3].map((i) => first[i] + (second[i] - first[i]) * within);
    const middle = [0, 1].map((i) => {
      const [a, b] = [first[i] + first[i + 2] / 2, second[i] + second[i + 2] / 2];
      return a + (b - a) * share;
    });
    const to = [middle[0] - size[0] / 2, middle[1] - size[1] / 2, ...size];
    return { path: this.#path(nearest, object), from, to, exact: false };
  }

  #path(frame, object) {
    const key = `${frame}/${object}`;
    if (!this.paths.has(key)) this.paths.set(key, new Path2D(this.side.outlines[frame][object].path));
    return this.paths.get(key);
  }
}

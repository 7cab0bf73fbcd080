// The boxes over an image, drawn with Konva: a mouse draws, selects, moves and resizes them. All coordinates of boxes
// are whole pixels of the image; the right and lower edges are exclusive.
"use strict";

const LEAST_DRAG = 4; // screen pixels in either direction, less is a click
const LEAST_SIDE = 2; // pixels of a box
const COLOURS = { own: "#0f766e", sure: "#12805c", likely: "#b45309", unsure: "#c81e1e" };
const DASH = [6, 4];
const NAME_SIZE = 14; // screen pixels

function largestFirst(boxes) {
  const area = box => (box.xmax - box.xmin) * (box.ymax - box.ymin);
  return [...boxes].sort((one, other) => area(other) - area(one));
}

class BoxCanvas {
  // container: the element to draw in; changed(): called after a mouse has changed or selected boxes.
  constructor(container, changed) {
    this.changed = changed;
    this.boxes = []; // {name, score, xmin, ymin, xmax, ymax}; score is null unless the box is a proposal
    this.selected = null;
    this.stage = new Konva.Stage({ container });
    this.shapes = new Konva.Layer(); // scaled as the image is
    this.marks = new Konva.Layer(); // not scaled: names and handles
    this.handles = new Konva.Transformer({
      rotateEnabled: false, flipEnabled: false, keepRatio: false, shiftBehavior: "none", ignoreStroke: true,
      borderEnabled: false, anchorSize: 11, anchorCornerRadius: 6, anchorStroke: COLOURS.own,
      boundBoxFunc: (before, after) => this.snapped(after) ?? before,
    });
    this.stage.add(this.shapes, this.marks);
    this.stage.on("pointerdown", event => this.press(event));
  }

  // Shows the boxes of an image of a size in pixels, scaled by zoom.
  show(size, zoom, boxes) {
    Object.assign(this, { size, zoom, boxes, selected: null });
    this.stage.size({ width: size.width * zoom, height: size.height * zoom });
    this.shapes.scale({ x: zoom, y: zoom });
    this.draw();
  }

  get box() {
    return this.boxes[this.selected] ?? null;
  }

  select(number) {
    this.selected = number;
    this.draw();
  }

  remove() {
    this.boxes.splice(this.selected, 1);
    this.select(this.boxes.length ? Math.min(this.selected, this.boxes.length - 1) : null);
  }

  // Moves the selected box, or its right and lower edges, as far as the image allows.
  shift(x, y, resize) {
    const box = this.box, { width, height } = this.size;
    const limit = (by, least, most) => Math.max(least, Math.min(most, by));
    const dx = limit(x, resize ? box.xmin + LEAST_SIDE - box.xmax : -box.xmin, width - box.xmax);
    const dy = limit(y, resize ? box.ymin + LEAST_SIDE - box.ymax : -box.ymin, height - box.ymax);
    this.change(box, {
      xmin: box.xmin + (resize ? 0 : dx), ymin: box.ymin + (resize ? 0 : dy), xmax: box.xmax + dx, ymax: box.ymax + dy,
    });
    this.draw();
  }

  // Changes a box; one that a person has changed is no proposal any more.
  change(box, values) {
    Object.assign(box, values, { score: null });
  }

  draw() {
    this.handles.nodes([]);
    this.handles.remove();
    this.shapes.destroyChildren();
    this.marks.destroyChildren();
    // larger boxes first, so that a smaller one within is on top; the selected one above all
    const others = largestFirst(this.boxes).filter(box => box !== this.box);
    for (const box of this.box ? [...others, this.box] : others) this.drawBox(box);
  }

  drawBox(box) {
    const colour = COLOURS[box.score === null ? "own" : sureness(box.score)], isSelected = box === this.box;
    const shape = new Konva.Rect({
      ...this.rectangle(box), stroke: colour, strokeWidth: isSelected ? 3 : 2, strokeScaleEnabled: false,
      dash: box.score === null ? [] : DASH, draggable: isSelected, dragBoundFunc: to => this.within(box, to),
      ...(isSelected ? { fill: `${colour}26` } : { shadowColor: "#fff", shadowBlur: 3 }),
    });
    const name = new Konva.Label({ listening: false });
    name.add(new Konva.Tag({ fill: colour, opacity: 0.85 }));
    name.add(new Konva.Text({
      text: this.caption(box), fontSize: NAME_SIZE, fontStyle: "bold", fontFamily: "system-ui, sans-serif", padding: 2,
      fill: "#fff",
    }));
    const place = () => name.position(this.placeOfName(box, name));
    place();
    this.shapes.add(shape);
    this.marks.add(name);
    if (!isSelected) return;
    this.marks.add(this.handles);
    this.handles.nodes([shape]);
    shape.on("dragmove transform", () => {
      this.take(box, shape);
      name.getText().text(this.caption(box));
      place();
    });
    shape.on("pointerclick", () => this.selectAt(this.pointer()));
    shape.on("dragend transformend", () => {
      this.draw();
      this.changed();
    });
  }

  rectangle(box) {
    return { x: box.xmin, y: box.ymin, width: box.xmax - box.xmin, height: box.ymax - box.ymin };
  }

  caption({ name, score }) {
    return `${name || "?"}${score === null ? "" : ` ${percent(score)}`}`;
  }

  // Takes over what a mouse has done to the shape of a box.
  take(box, shape) {
    const [xmin, ymin] = [shape.x(), shape.y()].map(Math.round);
    const [width, height] = [shape.width() * shape.scaleX(), shape.height() * shape.scaleY()].map(Math.round);
    this.change(box, { xmin, ymin, xmax: xmin + width, ymax: ymin + height });
    shape.setAttrs({ ...this.rectangle(box), scaleX: 1, scaleY: 1, dash: [] });
  }

  // Returns a place on the screen for the name of a box: above it, within it at the upper edge of the image.
  placeOfName(box, name) {
    const above = box.ymin * this.zoom - name.height(), right = this.stage.width() - name.width();
    return { x: Math.max(0, Math.min(box.xmin * this.zoom, right)), y: above < 0 ? box.ymin * this.zoom : above };
  }

  // Returns a rectangle on the screen that was resized, in whole pixels within the image; null if too few are left.
  snapped(rectangle) {
    const [xmin, ymin] = this.pixel(rectangle.x, rectangle.y);
    const [xmax, ymax] = this.pixel(rectangle.x + rectangle.width, rectangle.y + rectangle.height);
    if (Math.min(xmax - xmin, ymax - ymin) < LEAST_SIDE) return null;
    const { x, y, width, height } = this.rectangle({ xmin, ymin, xmax, ymax });
    const zoom = this.zoom;
    return { x: x * zoom, y: y * zoom, width: width * zoom, height: height * zoom, rotation: 0 };
  }

  // Returns where a box may be dragged to on the screen: whole pixels within the image.
  within(box, to) {
    const { width, height } = this.rectangle(box);
    const [x, y] = this.pixel(to.x, to.y);
    return {
      x: Math.min(x, this.size.width - width) * this.zoom, y: Math.min(y, this.size.height - height) * this.zoom,
    };
  }

  // Returns the corner of pixels, within the image, that is nearest to a point on the screen.
  pixel(x, y) {
    const limit = (value, most) => Math.max(0, Math.min(most, Math.round(value / this.zoom)));
    return [limit(x, this.size.width), limit(y, this.size.height)];
  }

  pointer() {
    return this.stage.getPointerPosition();
  }

  // Selects the smallest box at a point on the screen, or none.
  selectAt({ x, y }) {
    const inside = this.boxes.filter(box => box.xmin * this.zoom <= x && x <= box.xmax * this.zoom
      && box.ymin * this.zoom <= y && y <= box.ymax * this.zoom);
    const smallest = largestFirst(inside).at(-1);
    this.select(smallest ? this.boxes.indexOf(smallest) : null);
    this.changed();
  }

  // Starts to draw a box, unless the mouse is on the selected box or a handle, which Konva moves.
  press({ target, evt }) {
    if (target.draggable() || evt.button) return;
    const from = this.pointer();
    const outline = new Konva.Rect({ stroke: COLOURS.own, strokeWidth: 2, dash: DASH, listening: false });
    this.marks.add(outline);
    const move = event => {
      this.stage.setPointersPositions(event);
      const to = this.pointer();
      outline.setAttrs({ x: from.x, y: from.y, width: to.x - from.x, height: to.y - from.y });
    };
    const release = event => {
      move(event);
      removeEventListener("pointermove", move);
      removeEventListener("pointerup", release);
      outline.destroy();
      this.add(from, this.pointer());
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", release);
  }

  // Adds a box between two points on the screen; if they are not apart, selects the box there.
  add(from, to) {
    if (Math.min(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) < LEAST_DRAG) return this.selectAt(to);
    const [x1, y1] = this.pixel(from.x, from.y), [x2, y2] = this.pixel(to.x, to.y);
    if (Math.min(Math.abs(x1 - x2), Math.abs(y1 - y2)) < LEAST_SIDE) return;
    this.boxes.push({
      name: "", score: null,
      xmin: Math.min(x1, x2), ymin: Math.min(y1, y2), xmax: Math.max(x1, x2), ymax: Math.max(y1, y2),
    });
    this.select(this.boxes.length - 1);
    this.changed();
  }
}

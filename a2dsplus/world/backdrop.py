"""A scene's background, painted once a video and wider than the frame where the camera pans."""

from collections.abc import Callable

import cv2
import numpy as np

from a2dsplus.world import buildings, nature
from a2dsplus.world.scenes import Scene
from a2dsplus.world.shapes import Colour, Image, Placement, composite, rasterise

_DETAILS: dict[str, Callable[[Scene, np.random.Generator, float, float, float], nature.Details]] = {
    "grass": nature.grass, "beach": nature.beach, "street": buildings.street, "snow": nature.snow, "room": buildings.room, "water": nature.water,
    "court": buildings.court, "park": nature.park, "wall": buildings.wall,
}  # fmt: skip


def paint_scene(scene: Scene, rng: np.random.Generator, *, size: tuple[int, int], margin: int = 0) -> Image:
    """Return a scene's background, (H, W + 2 margin, 3) uint8 RGB; `size` is the frame's (H, W).

    The plane's x = 0 is the left edge of the unpanned frame, `margin` pixels in.
    """
    height, width = size
    canvas = np.empty((height, width + 2 * margin, 3), np.float32)
    horizon = round(height * (1 - scene.horizon))
    canvas[:horizon] = _gradient(*scene.sky, rows=horizon)
    canvas[horizon:] = _gradient(*scene.ground, rows=height - horizon)
    image = canvas.astype(np.uint8)
    aspect, extra = width / height, margin / height
    for sprite, outline in _DETAILS[scene.name](scene, rng, -extra, aspect + extra, aspect):
        placement = Placement(x=float(margin), y=float(height), scale=float(height))
        layer = rasterise(sprite, placement, size=image.shape[:2], outline=outline)
        if layer is not None:
            composite(image, layer)
    return _textured(image, rng, scene.grain)


def _gradient(top: Colour, bottom: Colour, *, rows: int) -> np.ndarray:
    steps = np.linspace(0, 1, max(rows, 1), dtype=np.float32)[:rows, None, None]
    return np.array(top, np.float32) * (1 - steps) + np.array(bottom, np.float32) * steps


def _textured(image: Image, rng: np.random.Generator, grain: float) -> Image:
    """Return an image with blotches of two sizes and a soft vignette."""
    height, width = image.shape[:2]
    field = np.zeros((height, width), np.float32)
    for cells, weight in ((6, 1.0), (28, 0.75)):
        coarse = rng.normal(size=(cells, max(2, cells * width // height))).astype(np.float32)
        field += weight * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    light = 1.0 - 0.1 * (x * x * 0.6 + y * y * 0.7)
    return ((image + (field * grain * 0.45)[..., None]) * light[..., None]).clip(0, 255).astype(np.uint8)

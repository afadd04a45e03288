"""The procedural world: a small A2D-shaped dataset painted by the toolkit itself, read by the same reader as A2D-Sentences.

Drawn, animated actors (`people`, `animals`, `things`, on `shapes`) move (`motion`) through scenes (`scenes`) as a video's plan says
(`plan`), which also holds a caption an actor (`captions`); `draw` paints frames and masks, `writer` puts them on disk.
"""

from a2dsplus.world.writer import paint_world

__all__ = ["paint_world"]

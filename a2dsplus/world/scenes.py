"""The kinds of place in which videos happen: where the ground begins, light, and what can be climbed."""

from dataclasses import dataclass

from a2dsplus.world.shapes import Colour

_SKY: tuple[Colour, Colour] = (118, 186, 236), (214, 236, 246)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A kind of place. `horizon`: height where the ground begins. `grain`: strength of the texture, 0..255.

    `climb_at`: where the thing that can be climbed stands, as a share of the frame's width, or None.
    """

    name: str
    horizon: float
    sky: tuple[Colour, Colour]
    ground: tuple[Colour, Colour]
    grain: float
    climb_at: float | None = None


SCENES: dict[str, Scene] = {
    scene.name: scene
    for scene in (
        Scene(name="grass", horizon=0.56, sky=_SKY, ground=((146, 196, 98), (92, 156, 70)), grain=9),
        Scene(name="beach", horizon=0.5, sky=_SKY, ground=((240, 220, 170), (222, 190, 132)), grain=7),
        Scene(name="street", horizon=0.5, sky=_SKY, ground=((150, 150, 156), (112, 112, 120)), grain=7),
        Scene(name="snow", horizon=0.55, sky=((150, 180, 208), (222, 232, 240)), ground=((232, 240, 248), (206, 220, 236)), grain=4),
        Scene(name="room", horizon=0.42, sky=((238, 222, 196), (226, 204, 172)), ground=((190, 142, 98), (158, 112, 74)), grain=5, climb_at=0.5),
        Scene(name="water", horizon=0.4, sky=_SKY, ground=((152, 190, 104), (104, 158, 78)), grain=8),
        Scene(name="court", horizon=0.46, sky=((120, 132, 158), (168, 178, 196)), ground=((216, 152, 96), (188, 122, 72)), grain=5),
        Scene(name="park", horizon=0.5, sky=_SKY, ground=((138, 192, 96), (88, 150, 68)), grain=9, climb_at=0.5),
        Scene(name="wall", horizon=0.3, sky=((190, 118, 90), (170, 98, 76)), ground=((176, 172, 164), (146, 142, 136)), grain=8, climb_at=0.5),
    )
}  # fmt: skip

"""The service's own mark as icons for a telephone's home screen, drawn here.

A lift car seen from the front with an arrow up and one down: as templates/parts/icons.html draws
it, on a ground of the console's own blue. A maskable icon keeps the mark within the inner 80 %,
as systems cut it to shapes of their own (W3C Web Application Manifest).
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw

BLUE, WHITE = (23, 86, 127, 255), (255, 255, 255, 255)
CLEAR: Final = (0, 0, 0, 0)
FINER: Final = 4  # drawn larger and scaled down: smooth edges
SHAPES: Final = {
    "icon-192": (192, "any"),
    "icon-512": (512, "any"),
    "maskable-192": (192, "maskable"),
    "maskable-512": (512, "maskable"),
    "touch-180": (180, "maskable"),
    "badge-96": (96, "badge"),
}
UP = ((12.0, 5.0), (16.0, 10.2), (8.0, 10.2))
DOWN = ((12.0, 19.0), (8.0, 13.8), (16.0, 13.8))


@lru_cache(maxsize=len(SHAPES))
def png(name: str) -> bytes:
    """Return an icon as PNG. Raises KeyError for one that is not in SHAPES."""
    size, kind = SHAPES[name]
    side = size * FINER
    image = Image.new("RGBA", (side, side), BLUE if kind == "maskable" else CLEAR)
    scale = side / 24 * (0.72 if kind == "maskable" else 1.0)
    shift = (side - 24 * scale) / 2
    pen = ImageDraw.Draw(image)

    def at(x: float, y: float) -> tuple[float, float]:
        return shift + x * scale, shift + y * scale

    frame = (*at(3, 1.5), *at(21, 22.5))
    if kind == "any":
        pen.rounded_rectangle(frame, 3 * scale, fill=BLUE)
    else:  # a badge is a silhouette: systems take its shape and colour it themselves
        width = round(1.7 * scale)
        pen.rounded_rectangle(frame, 3 * scale, outline=WHITE, width=width)
    for arrow in (UP, DOWN):
        pen.polygon([at(*point) for point in arrow], fill=WHITE)
    out = BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()

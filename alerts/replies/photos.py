"""Photos of an alert: cleaned, kept by their hash in the site's data folder, told in the journal.

A photo is decoded and written anew, turned upright and at most 2,000 pixels wide, so nothing that
came with the file stays: neither a place (EXIF) nor anything a decoder could be tricked by. The
file is on disk before the row that names it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import Connection, Engine, func, insert, select

from alerts.database.access import reading, writing
from alerts.database.tables import alert, alert_unit, photo
from alerts.journal import journal
from alerts.model import Actor, Role
from config.text import Text

KINDS = ("JPEG", "PNG", "WEBP")
LONGEST_PX = 2000
MOST_PIXELS = 60_000_000
"""More than any telephone takes; beyond it a small file may ask for gigabytes of memory."""
MOST_PHOTOS = 20
QUALITY = 82


class PhotoRefused(Exception):
    """A photo that is not taken; `text` names field, value, limit and way out."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A JPEG of ours and its measures in pixels."""

    body: bytes
    width: int
    height: int

    @property
    def hash(self) -> str:
        """SHA-256 of the file, 64 hex digits: its name."""
        return hashlib.sha256(self.body).hexdigest()


def too_large(size: int, limit_mb: float) -> PhotoRefused:
    """Return the refusal of a file over the limit."""
    told = f"{size / 1e6:.1f} MB"
    return PhotoRefused(
        Text(
            f"照片 photo 为 {told}，上限 {limit_mb:g} MB：请在手机里选较小尺寸后再传",
            f"photo is {told}, the limit is {limit_mb:g} MB: choose a smaller size and try again",
        )
    )


def clean(raw: bytes) -> Cleaned:
    """Return a photo as a JPEG without any metadata. Raises PhotoRefused."""
    try:
        with Image.open(BytesIO(raw), formats=KINDS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise _not_taken(f"{opened.width} × {opened.height}", "60 MP")
            upright = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _not_taken(type(error).__name__, "JPEG | PNG | WebP") from None
    except Image.DecompressionBombError:
        raise _not_taken("?", "60 MP") from None
    upright.thumbnail((LONGEST_PX, LONGEST_PX))
    out = BytesIO()
    # A picture of its own: nothing of the old one's information comes along.
    bare = Image.frombytes("RGB", upright.size, upright.tobytes())
    bare.save(out, "JPEG", quality=QUALITY)
    return Cleaned(out.getvalue(), bare.width, bare.height)


def _not_taken(value: str, limit: str) -> PhotoRefused:
    return PhotoRefused(
        Text(
            f"照片 photo 无法识别（{value}），限 {limit}：请用手机相机拍摄后再传",
            f"photo cannot be read ({value}), allowed: {limit}: take it with the camera, try again",
        )
    )


def add_photo(
    engine: Engine, folder: Path, alert_id: int, actor: Actor, at_ms: int, raw: bytes
) -> Text:
    """Keep a photo of an alert; return what to say. Raises PhotoRefused.

    The same photo of the same alert a second time changes nothing.
    """
    with reading(engine) as conn:  # before any work is put into it
        _check(conn, alert_id, actor)
    made = clean(raw)
    _store(folder, made)
    with writing(engine) as conn:
        _check(conn, alert_id, actor)
        if _known(conn, alert_id, made.hash):
            return Text("该照片已上传过", "this photo is already there")
        row = {
            "alert_id": alert_id,
            "hash": made.hash,
            "at_ms": at_ms,
            "name": actor.name,
            "unit": actor.unit,
            "size": len(made.body),
            "width": made.width,
            "height": made.height,
        }
        conn.execute(insert(photo), row)
        data = {"photo": made.hash, "size": len(made.body)}
        journal.append(conn, at_ms, [journal.Line(alert_id, "photo", actor, data)])
    return Text("照片已上传", "photo added")


def _check(conn: Connection, alert_id: int, actor: Actor) -> None:
    if conn.execute(select(alert.c.id).where(alert.c.id == alert_id)).first() is None:
        raise PhotoRefused(Text("没有这条警情", "there is no such alert"))
    if actor.role is Role.FIRM:
        mine = (alert_unit.c.alert_id == alert_id, alert_unit.c.unit == actor.unit)
        if conn.execute(select(alert_unit.c.unit).where(*mine)).first() is None:
            raise PhotoRefused(Text("该警情不属于贵单位", "this alert is not your unit's"))
    count = select(func.count()).select_from(photo).where(photo.c.alert_id == alert_id)
    if (conn.execute(count).scalar() or 0) >= MOST_PHOTOS:
        raise PhotoRefused(
            Text(
                f"该警情已有 {MOST_PHOTOS} 张照片，上限 {MOST_PHOTOS}：请交值班台另存",
                f"this alert has {MOST_PHOTOS} photos, the limit is {MOST_PHOTOS}: give further "
                "ones to the duty desk",
            )
        )


def _known(conn: Connection, alert_id: int, digest: str) -> bool:
    mine = (photo.c.alert_id == alert_id, photo.c.hash == digest)
    return conn.execute(select(photo.c.id).where(*mine)).first() is not None


def _store(folder: Path, made: Cleaned) -> None:
    """Write under another name and move, so that a crash leaves a whole file or none."""
    file = path_of(folder, made.hash)
    if file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with part.open("wb") as stream:
        stream.write(made.body)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)


def path_of(folder: Path, digest: str) -> Path:
    """Return where a photo is kept: `ab/abcd….jpg` below the folder."""
    return folder / digest[:2] / f"{digest}.jpg"


def photos_of(conn: Connection, alert_ids: list[int]) -> list[Mapping[str, Any]]:
    """Return the rows of photos of alerts, oldest first."""
    query = select(photo).where(photo.c.alert_id.in_(alert_ids)).order_by(photo.c.id)
    return [dict(row) for row in conn.execute(query).mappings()]


def has_photo(conn: Connection, alert_id: int, digest: str) -> bool:
    """True when an alert has a photo with this hash: who may see it may see the alert."""
    return _known(conn, alert_id, digest)

"""`liftwatch story`: the record of a rescue, as PDF or JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import orjson
import typer

from alerts.database.access import reading
from alerts.story import build_draft, build_story, draft_pdf, story_pdf
from alerts.story.sheet import Sheet, fonts
from config.errors import ConfigError
from config.text import Text
from monitor.clock import wall_ms
from monitor.offline import open_offline


def story(
    alert_id: Annotated[int, typer.Argument(help="Number of the alert · 警情编号")],
    out: Annotated[Path, typer.Option(help="FILE.pdf or FILE.json · 输出文件")],
    lang: Annotated[str, typer.Option(help="zh | en: language of the PDF · PDF 的语言")] = "zh",
    accident: Annotated[
        bool, typer.Option("--accident", help="The accident report's draft · 事故报告草稿")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="Site settings (TOML) · 站点配置文件")] = None,
) -> None:
    """Write the story of an alert's incident: who did what when, every deadline. 警情处置记录。

    \b
    Examples / 示例:
      liftwatch story 17 --out alert-17.pdf
      liftwatch story 17 --out alert-17.json
      liftwatch story 17 --accident --lang en --out draft.pdf
    """
    if lang not in ("zh", "en"):
        raise _wrong("--lang", lang, "zh | en")
    if out.suffix not in (".pdf", ".json"):
        raise _wrong("--out", str(out), ".pdf | .json")
    site = open_offline(config)
    with reading(site.desk.engine) as conn:
        told = build_story(conn, site.teller, alert_id, wall_ms())
    if told is None:
        raise _wrong("ALERT_ID", str(alert_id), "an alert of this site / 本站点的警情编号")
    tz = site.desk.pages.tz
    draft = build_draft(told, tz) if accident else None
    if out.suffix == ".json":
        body = orjson.dumps(draft or told, option=orjson.OPT_INDENT_2)
    else:
        sheet = Sheet(lang, tz, fonts(site.settings.site.pdf_font))
        body = (
            draft_pdf(draft, sheet)
            if draft
            else story_pdf(told, sheet, site.settings.data_dir / "photos")
        )
    out.write_bytes(body)
    typer.echo(f"{out}: {len(body)} B")


def _wrong(key: str, value: str, right: str) -> ConfigError:
    return ConfigError("command line", key, value, Text(f"应为：{right}", f"should be: {right}"))

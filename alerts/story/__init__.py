"""A rescue as a story: what happened, who did what when, and every deadline, met or missed.

`build_story` makes it from journal, timers and outbox; `story_pdf` prints it; `build_draft` and
`draft_pdf` do the same for the accident report's draft. Nothing here writes to the database.
"""

from alerts.story.accident import build_draft
from alerts.story.accident_pdf import draft_pdf
from alerts.story.build import Teller, build_story
from alerts.story.pdf import story_pdf

__all__ = ["Teller", "build_draft", "build_story", "draft_pdf", "story_pdf"]

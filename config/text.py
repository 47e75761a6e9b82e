"""A text a person reads: always both languages, so neither can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in Chinese and in English."""

    zh: str
    en: str

    def of(self, lang: str) -> str:
        """Return the Chinese text for any `zh…` language tag, else the English one."""
        return self.zh if lang.lower().startswith("zh") else self.en

    def both(self) -> str:
        """Return both languages on one line, for terminals that serve either reader."""
        return f"{self.en} / {self.zh}"

    def as_json(self) -> dict[str, str]:
        """Return `{"zh": …, "en": …}` for the wire and the API."""
        return {"zh": self.zh, "en": self.en}

"""One typed settings object, from a TOML file and the environment.

A key may also come from the environment as LIFTWATCH_SECTION__KEY, which wins over the file,
so that secrets need not stand in a file. Unknown keys are refused: a misspelt deadline that is
silently ignored would be found out on the worst night.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from config.errors import ConfigError
from config.notify_settings import Notify
from config.section import Section
from config.text import Text
from config.toml_file import read_toml


class Site(Section):
    """The site folder and how the site is spoken of."""

    folder: Path = Path("var/site")
    name_zh: str = "示范区"
    name_en: str = "Demo district"
    timezone: str = "Asia/Shanghai"
    arrival_profile: str = "urban"  # of chains.toml, which names what there is
    pdf_font: Path | None = None
    """A TrueType file with Chinese to embed in PDFs; None = the reader's own Asian font."""
    outlines: Path | None = None
    """The map's own outlines (GeoJSON, WGS-84); `outlines.geojson` of the folder unless set."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("an IANA zone such as Asia/Shanghai / 应为 IANA 时区名") from None
        return value


class Mqtt(Section):
    """The broker. `embedded` starts one of our own on loopback."""

    url: str = "embedded"
    username: str | None = None
    password: SecretStr | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    client_id: str = "liftwatch"
    public_url: str | None = None
    """What gateways that claim a credential are told to connect to; `url` unless set."""
    embedded_port: int = Field(1883, ge=0, le=65534)
    window: int = Field(20, ge=1, le=65535)

    @field_validator("url")
    @classmethod
    def _broker_url(cls, value: str) -> str:
        parts = urlsplit(value)
        try:
            known = value == "embedded" or (parts.scheme in ("mqtt", "mqtts") and parts.hostname)
            if not known or (parts.port is not None and not 0 < parts.port < 65536):
                raise ValueError
        except ValueError:
            raise ValueError(
                "embedded, mqtt://HOST:PORT or mqtts://HOST:PORT / 应为 embedded 或 mqtt(s) 地址"
            ) from None
        if parts.username or parts.password:
            raise ValueError("user and password have keys of their own / 用户与口令另有键")
        return value

    @property
    def host(self) -> str:
        """Host of the broker."""
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        """Port of the broker; 1883, or 8883 with TLS, unless the URL says otherwise."""
        parts = urlsplit(self.url)
        return parts.port or (8883 if parts.scheme == "mqtts" else 1883)

    @property
    def tls(self) -> bool:
        """True for mqtts."""
        return urlsplit(self.url).scheme == "mqtts"


class Sparkplug(Section):
    """The service as a Sparkplug B host; on where `ingest.dialects` names "sparkplug". What their
    names mean stands in sparkplug.toml of the site folder."""

    host_id: str = Field("liftwatch", pattern=r"^[^/+#\s]{1,64}$")
    groups: list[str] = Field([])
    """Groups that are listened to; none named: all."""
    reorder_s: float = Field(0, ge=0, le=60)
    """How long a missing seq may still come. 0: a broker that keeps order, as one broker does."""
    rebirth_s: float = Field(10, ge=1, le=3600)
    """A node is asked for a rebirth no sooner than this after it was asked before."""
    rebirths_per_s: float = Field(100, ge=0.1, le=1000)

    @field_validator("groups")
    @classmethod
    def _levels(cls, value: list[str]) -> list[str]:
        if any(not group or set(group) & set("/+#") for group in value):
            raise ValueError("names of groups without / + # / 组名不得含 / + #")
        return value


class Ingest(Section):
    """What is taken from the wire, and how it is cut into batches."""

    batch_ms: int = Field(100, ge=5, le=5000)
    batch_rows: int = Field(5000, ge=1, le=100_000)
    late_after_s: float = Field(120, ge=10, le=3600)
    ahead_s: float = Field(60, ge=1, le=600)
    oldest_days: int = Field(400, ge=1, le=3650)
    max_payload_bytes: int = Field(256 * 1024, ge=1024, le=16 * 1024 * 1024)
    max_samples: int = Field(2000, ge=1, le=100_000)
    snapshot_s: float = Field(30, ge=1, le=3600)
    dialects: list[str] = Field([])
    """Wire formats of others that are read beside our own, e.g. "thingsboard"; none by default."""
    maps: list[Path] = Field([])
    """Mapping files (TOML), each a topic pattern and how its payload becomes our channels."""
    sparkplug: Sparkplug = Sparkplug()


class History(Section):
    """The embedded history store."""

    retention_days: int = Field(400, ge=1, le=3650)
    memory_mb: int = Field(1024, ge=64)
    quarantine_mb: int = Field(512, ge=1)


class Influx(Section):
    """A derived copy in InfluxDB; off while `url` is empty."""

    url: str | None = None
    token: SecretStr | None = None
    org: str = "liftwatch"
    bucket: str = "liftwatch"


class Tiles(Section):
    """A tile server under the map; off while `url` is empty. The reader's browser asks it, and so
    tells it where it looks: the page says whose tiles they are."""

    url: str = ""
    credit: str = ""
    """Whose map it is, as its owner wants it said."""
    datum: Literal["wgs84", "gcj02"] = "wgs84"
    """Chinese maps are drawn in GCJ-02: lifts and outlines are then moved to fit."""
    max_zoom: int = Field(18, ge=1, le=22)

    @field_validator("url")
    @classmethod
    def _template(cls, value: str) -> str:
        parts = urlsplit(value)
        whole = all(name in value for name in ("{z}", "{x}", "{y}"))
        host = parts.hostname or ""
        plain = not set(parts.netloc) & set(" {}*;,'\"@") and parts.username is None
        if value and not (parts.scheme in ("https", "http") and host and whole and plain):
            raise ValueError(
                "http(s)://one.host/… with {z}, {x} and {y}, or empty / "
                "一个主机的 http(s) 地址，含 {z} {x} {y}，或留空"
            )
        return value

    @property
    def origin(self) -> str:
        """Scheme and host, as a content security policy names them; "" without tiles."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if self.url else ""


class Web(Section):
    """Console and API."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    public_url: str | None = None
    session_hours: float = Field(12, gt=0, le=168)
    map_url: str = "https://uri.amap.com/marker?position={lon},{lat}&name={name}&coordinate=wgs84"
    """Where a map opens at a lift; the reader's browser follows it, the service never does."""
    tiles: Tiles = Tiles()
    photo_mb: float = Field(12, ge=0.5, le=50)

    @field_validator("map_url")
    @classmethod
    def _map_place(cls, value: str) -> str:
        ok = value.startswith(("https://", "http://", "geo:"))
        if value and not (ok and "{lat}" in value and "{lon}" in value):
            raise ValueError(
                "an http(s) address with {lat} and {lon}, or empty / 含 {lat} {lon} 的地址，或留空"
            )
        return value


class Registry(Section):
    """What becomes of lifts and gateways that are not as the site's files say."""

    grace_s: float = Field(86_400, ge=0, le=31 * 86_400)
    """A lift that never spoke counts as silent so long after it was registered."""
    sightings: int = Field(1000, ge=10, le=100_000)
    """How many strangers are remembered; those heard least are forgotten first."""
    settled_hours: float = Field(24, ge=0.1, le=8760)
    """A second gateway that has said nothing for so long speaks for the lift no more."""


class Provisioning(Section):
    """How gateways get their credentials."""

    folder: Path | None = None
    """Where the brokers' files are written; `provisioning` in data_dir unless set."""
    certificate_days: int = Field(825, ge=1, le=3650)
    password_days: int | None = Field(None, ge=1, le=3650)
    overlap_hours: float = Field(72, ge=0, le=2160)
    warn_days: int = Field(30, ge=1, le=365)
    claim_minutes: float = Field(60, ge=1, le=10_080)


class Audit(Section):
    """The journal's head is appended to `head_file` once a day; off while it is empty."""

    head_file: Path | None = None


class Settings(BaseSettings):
    """Everything a site may set. Defaults run the demo district on loopback."""

    model_config = SettingsConfigDict(
        env_prefix="LIFTWATCH_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    data_dir: Path = Path("var")
    database_url: str | None = None
    site: Site = Site()
    mqtt: Mqtt = Mqtt()
    ingest: Ingest = Ingest()
    history: History = History()
    influx: Influx = Influx()
    web: Web = Web()
    notify: Notify = Notify()
    registry: Registry = Registry()
    provisioning: Provisioning = Provisioning()
    audit: Audit = Audit()
    _file: Path | None = PrivateAttr(None)

    @property
    def file(self) -> Path | None:
        """The file these were read from; None where there was none."""
        return self._file

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the alert database; SQLite in data_dir unless set."""
        return self.database_url or f"sqlite:///{self.data_dir / 'liftwatch.db'}"

    @property
    def provisioned(self) -> Path:
        """Folder of what brokers need to know of gateways."""
        return self.provisioning.folder or self.data_dir / "provisioning"

    @property
    def public_url(self) -> str:
        """Where people reach the console, for links in pages."""
        return (self.web.public_url or f"http://{self.web.host}:{self.web.port}").rstrip("/")


class _FileSettings(Settings):
    """The environment wins over the file: it is read as the first source."""

    @classmethod
    def settings_customise_sources(  # type: ignore[no-untyped-def]
        cls, settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
    ):
        return env_settings, init_settings


def refused(file: Path | str, error: ValidationError) -> ConfigError:
    """Return the first mistake of a file as a refusal; what a secret was set to is not told."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        way_out = Text("没有这个键，请核对拼写", "there is no such key: check its spelling")
    else:
        way_out = Text(f"应为：{what}", what)
    secret = any(word in key for word in ("password", "token", "secret"))
    value = first.get("input")
    shown = "…" if isinstance(value, dict) else value  # a whole table says nothing
    return ConfigError(file, key, "(secret)" if secret else shown, way_out)


def load_settings(file: Path | None = None, **overrides: Any) -> Settings:
    """Read settings from `file` (TOML) and the environment.

    Raises ConfigError naming file, key, value and what would be right. Relative paths in the
    file are meant from the file's own folder.
    """
    data: dict[str, Any] = {}
    if file is not None:
        data = read_toml(file)
        _anchor(data, file.parent)
    try:
        settings = _FileSettings(**(data | overrides))
    except ValidationError as error:
        raise refused(file or "environment", error) from None
    settings._file = file
    return settings


def _anchor(data: dict[str, Any], folder: Path) -> None:
    places = [(data, "data_dir"), (data.get("site", {}), "folder")]
    places += [(data.get("site", {}), key) for key in ("pdf_font", "outlines")]
    places += [(data.get("mqtt", {}), key) for key in ("ca_file", "cert_file", "key_file")]
    places += [(data.get("notify", {}), "secret_dir")]
    places.append((data.get("audit", {}), "head_file"))
    places.append((data.get("provisioning", {}), "folder"))
    ingest = data.get("ingest", {})
    if isinstance(ingest, dict) and isinstance(ingest.get("maps"), list):
        ingest["maps"] = [str(folder / m) if isinstance(m, str) else m for m in ingest["maps"]]
    for table, key in places:
        if isinstance(table, dict) and isinstance(table.get(key), str):
            table[key] = str(folder / table[key])

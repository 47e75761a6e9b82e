"""A small certificate authority for gateways: one key, one certificate, one revocation list.

It vouches for gateways only; the broker's own server certificate may come from it or from
anywhere else. Private keys of gateways are handed over once and not kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from config.errors import ConfigError
from config.replaced import replace_text
from config.text import Text
from monitor.broker import write_private

CA_DAYS = 3650
CRL_DAYS = 3650  # renewed with each revocation; a list that runs out would lock everybody out
EARLY = timedelta(minutes=5)  # a gateway's clock may be behind
Revoked = tuple[int, int]  # serial, epoch ms


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate just made. `key`: PEM, None where the device made its own."""

    certificate: str
    key: str | None
    serial: str
    fingerprint: str
    expires_ms: int


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms // 1000, UTC)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _name(common: str, organisation: str = "Liftwatch") -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


class Authority:
    """`folder`: ca.crt, ca.key (0600) and crl.pem."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate_file, self.crl_file = folder / "ca.crt", folder / "crl.pem"
        self._key_file = folder / "ca.key"

    @property
    def exists(self) -> bool:
        """True once `init` has made it."""
        return self._key_file.exists()

    def init(self, site: str, now_ms: int, days: int = CA_DAYS) -> None:
        """Make key, certificate and an empty list. Raises ConfigError where there is one."""
        if self.exists:
            way_out = Text(
                "已有证书机构；重建会使所有网关证书失效，如确需请先移走此文件夹",
                "there is one already; a new one would void every gateway's certificate: move this "
                "folder away first if that is meant",
            )
            raise ConfigError(self.folder, "ca.key", "(secret)", way_out)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name, now = _name(f"{site} gateways"), _moment(now_ms)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - EARLY)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key_file, _pem(key))
        replace_text(self.certificate_file, _text(made))
        self.write_crl((), now_ms)

    def client(
        self, common: str, gateway: str, now_ms: int, days: int, csr: str | None = None
    ) -> Issued:
        """Certify a gateway: `common` is its user at the broker.

        With `csr` (PEM) the device keeps its own key; the request's names are not taken, only its
        public key. Raises ConfigError for a request that cannot be read or is not signed.
        """
        key = None if csr else ec.generate_private_key(ec.SECP256R1())
        public = _asked(csr) if csr else key.public_key() if key else None
        if public is None:
            raise AssertionError("either a request or a key of ours")
        names = [x509.UniformResourceIdentifier(f"urn:liftwatch:gateway:{gateway}")]
        made = self._sign(common, public, now_ms, days, ExtendedKeyUsageOID.CLIENT_AUTH, names)
        return _issued(made, _pem(key) if key else None)

    def server(self, hosts: Sequence[str], now_ms: int, days: int) -> Issued:
        """Certify a broker for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [_host(host) for host in hosts]
        made = self._sign(
            hosts[0], key.public_key(), now_ms, days, ExtendedKeyUsageOID.SERVER_AUTH, names
        )
        return _issued(made, _pem(key))

    def write_crl(self, revoked: Iterable[Revoked], now_ms: int) -> None:
        """Write the list of revoked certificates; one that says the same already stays."""
        key, own = self._load()
        revoked, now = list(revoked), _moment(now_ms)
        if self.crl_file.exists():
            old = x509.load_pem_x509_crl(self.crl_file.read_bytes())
            if {one.serial_number for one in old} == {serial for serial, _ in revoked}:
                return
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(own.subject)
            .last_update(now - EARLY)
            .next_update(now + timedelta(days=CRL_DAYS))
            .add_extension(x509.CRLNumber(now_ms), False)
        )
        for serial, at_ms in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(_moment(at_ms))
                .build()
            )
        made = builder.sign(key, hashes.SHA256())
        replace_text(self.crl_file, made.public_bytes(serialization.Encoding.PEM).decode())

    def pem(self) -> str:
        """Return the authority's certificate."""
        return self.certificate_file.read_text("utf-8")

    def expires_ms(self) -> int:
        """Return when the authority itself runs out."""
        _, own = self._load()
        return round(own.not_valid_after_utc.timestamp() * 1000)

    def _sign(
        self,
        common: str,
        public: ec.EllipticCurvePublicKey,
        now_ms: int,
        days: int,
        use: x509.ObjectIdentifier,
        names: Sequence[x509.GeneralName],
    ) -> x509.Certificate:
        key, own = self._load()
        now = _moment(now_ms)
        ends = min(now + timedelta(days=days), own.not_valid_after_utc)
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(_name(common))
            .issuer_name(own.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - EARLY)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(signer, critical=False)
            .sign(key, hashes.SHA256())
        )

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        try:
            key = serialization.load_pem_private_key(self._key_file.read_bytes(), None)
            own = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        except (OSError, ValueError) as error:
            way_out = Text(
                "先运行 liftwatch gateway ca init", "run `liftwatch gateway ca init` first"
            )
            raise ConfigError(self.folder, "ca.key", type(error).__name__, way_out) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ConfigError(self.folder, "ca.key", "(secret)", Text("应为 EC", "must be EC"))
        return key, own


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _asked(csr: str) -> ec.EllipticCurvePublicKey:
    right = Text(
        "应为 PEM 格式、EC 密钥（P-256）的证书请求",
        "must be a certificate request in PEM with an EC key (P-256)",
    )
    try:
        request = x509.load_pem_x509_csr(csr.encode())
        public = request.public_key()
        signed = request.is_signature_valid
    except (ValueError, TypeError) as error:
        raise ConfigError("claim", "csr", type(error).__name__, right) from None
    if not signed or not isinstance(public, ec.EllipticCurvePublicKey):
        raise ConfigError("claim", "csr", "signature or key", right)
    if not isinstance(public.curve, ec.SECP256R1 | ec.SECP384R1):
        raise ConfigError("claim", "csr", public.curve.name, right)
    return public


def _text(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


def _issued(made: x509.Certificate, key: str | None) -> Issued:
    return Issued(
        _text(made),
        key,
        f"{made.serial_number:x}",
        made.fingerprint(hashes.SHA256()).hex(),
        round(made.not_valid_after_utc.timestamp() * 1000),
    )

"""Certificates for tests, by an authority of their own."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """Signs certificates; all files are below ``directory``."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("authority")
        limits = x509.BasicConstraints(ca=True, path_length=0)
        whole = self._begin(self._name, self._key).add_extension(limits, critical=True)
        certificate = whole.sign(self._key, hashes.SHA256())
        self._ca = self._write("ca.pem", certificate.public_bytes(serialization.Encoding.PEM))

    def certify(self, name: str, address: str = "127.0.0.1") -> dict[str, str]:
        """A certificate for both sides of a connection: the files ``ca``, ``cert`` and ``key``.

        ``address``: the IP address at which its owner is reached.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        here = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        whole = self._begin(_name(name), key).add_extension(here, critical=False)
        whole = whole.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        certificate = whole.sign(self._key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "ca": self._ca,
            "cert": self._write(f"{name}.pem", certificate.public_bytes(pem)),
            "key": self._write(f"{name}-key.pem", private),
        }

    def _begin(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
        )

    def _write(self, name: str, content: bytes) -> str:
        path = self._directory / name
        path.write_bytes(content)
        return str(path)


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

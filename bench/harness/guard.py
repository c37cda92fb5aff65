"""What logins need: a certificate made for this run and a SCRAM secret, the same for all programs."""

import base64
import hashlib
import hmac
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .children import Failed, call

PASSWORD = "correct horse battery staple"
ITERATIONS = 4096
KEY_TYPES = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
             "rsa": ["-newkey", "rsa:2048"]}


@dataclass
class Guard:
    """How a pooler asks who its clients are."""
    certificate: Path
    key: Path
    key_type: str
    secret: str

    @property
    def text(self):
        return {"ec": "P-256", "rsa": "RSA-2048"}[self.key_type] + " certificate"


def make_guard(place, key_type):
    """A self-signed certificate and a stored secret; Failed without the program `openssl`."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Failed("the program openssl is absent: apt-get install openssl")
    directory = place.directory("tls")
    certificate, key = directory / "server.crt", directory / "server.key"
    call([openssl, "req", "-x509", "-nodes", "-sha256", "-days", "2", "-subj", "/CN=localhost",
          *KEY_TYPES[key_type], "-keyout", key, "-out", certificate], cwd=directory)
    os.chmod(key, 0o600)
    place.give_to(place.user, directory)
    return Guard(certificate, key, key_type, scram_secret(PASSWORD, os.urandom(16)))


def scram_secret(password, salt):
    """As PostgreSQL stores it (RFC 5803)."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    salt, stored_key, server_key = (base64.b64encode(part).decode() for part in
                                    (salt, hashlib.sha256(client_key).digest(), server_key))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt}${stored_key}:{server_key}"

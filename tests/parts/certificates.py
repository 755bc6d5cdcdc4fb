"""Google's part in Firebase sign-in: an endpoint with certificates, and ID tokens that they vouch for."""

import json
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from adapters.trust import firebase

PROJECT = "demo-avatarium"
KEY_ID = "key-1"
USER_ID = "user-1"
EMAIL = "ada@example.com"


class Certificates:
    """`fetches` counts requests. `answer` replaces the status and the body."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = new_key()
        self.fetches = 0
        self.answer: tuple[int, bytes] | None = None
        self._body = json.dumps({KEY_ID: certificate(self.key)}).encode()

    def respond(self) -> tuple[int, bytes]:
        self.fetches += 1
        return self.answer or (200, self._body)

    def token(self, **claims: object) -> str:
        """An ID token as Firebase mints it; `claims` replace its own, and None removes one."""
        payload = {name: value for name, value in {**usual_claims(), **claims}.items() if value is not None}
        return self.signed(payload, self.key)

    def signed(self, claims: dict[str, object], key: rsa.RSAPrivateKey, key_id: str = KEY_ID) -> str:
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id})


def usual_claims() -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": f"https://securetoken.google.com/{PROJECT}",
        "aud": PROJECT,
        "sub": USER_ID,
        "user_id": USER_ID,
        "email": EMAIL,
        "name": "Ada",
        "auth_time": now - 60,
        "iat": now - 60,
        "exp": now + 3540,
    }


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "securetoken.example")])
    builder = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2120, 1, 1, tzinfo=UTC),
    )
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM).decode()


@contextmanager
def serving() -> Iterator[Certificates]:
    """The endpoint on a random loopback port. When it ends, nothing listens there any more."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    certificates = Certificates(f"http://127.0.0.1:{server.server_port}/certificates")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = certificates.respond()
            self.send_response(status)
            self.send_header("Cache-Control", "public, max-age=3600")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield certificates
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(name="certificates")
def certificates_fixture(monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificates]:
    """The endpoint, in Google's place for every `FirebaseSignIn`, whose patience does not end meanwhile."""
    from firebase_admin import _token_gen

    monkeypatch.setattr(firebase, "PATIENCE", math.inf)
    with serving() as endpoint:
        monkeypatch.setattr(_token_gen, "ID_TOKEN_CERT_URI", endpoint.url)
        yield endpoint

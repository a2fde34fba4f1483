"""Whose word about the caller's address is taken."""

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from portal.serve.application import TrustedProxies

FORWARDED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


@Request.application
def whoami(request: Request) -> Response:
    return Response(f"{request.remote_addr} {request.url}")


@pytest.mark.parametrize(
    ("peer", "seen"),
    [
        ("127.0.0.1", "203.0.113.7 https://localhost/"),
        ("::1", "203.0.113.7 https://localhost/"),
        ("10.7.3.9", "203.0.113.7 https://localhost/"),
        ("10.8.3.9", "10.8.3.9 http://localhost/"),
        ("198.51.100.4", "198.51.100.4 http://localhost/"),
        ("", " http://localhost/"),
    ],
)
def test_forwarded_headers_count_only_from_trusted_proxies_and_never_name_the_host(peer, seen):
    answer = Client(TrustedProxies(whoami, "127.0.0.1,::1,10.7.0.0/16")).get(
        "/", headers=FORWARDED, environ_overrides={"REMOTE_ADDR": peer}
    )
    assert answer.text == seen

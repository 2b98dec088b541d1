"""A domain has one form, and what is none is refused for its own reason."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsh_core.models.types import DomainName, Refused


@given(st.lists(st.from_regex("[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True), min_size=1, max_size=6))
def test_domains_of_plain_labels(labels):
    name = ".".join([*labels, "example"])
    if any(label[2:4] == "--" for label in labels):  # reserved: xn-- that means nothing, and its like
        with suppress(Refused):
            assert DomainName(name.upper()) == name
    else:
        assert DomainName(name.upper()) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Blog.Example.ORG", "blog.example.org"),
        ("bücher.example.org", "xn--bcher-kva.example.org"),
        ("BÜCHER.example.org", "xn--bcher-kva.example.org"),
        ("faß.example.org", "xn--fa-hia.example.org"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("1.example.org", "1.example.org"),
        ("a--b.example.org", "a--b.example.org"),
    ],
)
def test_a_domain_has_one_form(text, name):
    assert DomainName(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("https://blog.example.org/", "address of a page"),
        ("*.example.org", "wildcard"),
        ("10.0.0.1", "IP address"),
        ("[::1]", "IP address"),
        ("2001:db8::1", "IP address"),
        ("127.1", "IP address"),
        ("example.0x7f", "IP address"),
        ("blog.example.org.", "ends in a dot"),
        ("blog.example.org:8080", "port"),
        ("localhost", "single word"),
        ("blog", "single word"),
        ("a_b.example.org", "`_`"),
        ("-a.example.org", "not a domain name"),
        ("a-.example.org", "not a domain name"),
        ("a..example.org", "not a domain name"),
        (f"{'a' * 64}.example.org", "too long"),
        (f"{'a.' * 126}org", "longer than 253"),
        ("ab--c.example.org", "third place"),
        ("xn--a.example.org", "not a domain name"),
        ("xn--.example.org", "not a domain name"),
        ("www.localhost", "each visitor's own machine"),
        ("1.0.0.127.in-addr.arpa", "network's own use"),
        ("x.invalid", "never exists"),
        ("x.onion", "not served through DNS"),
        ("exa mple.org", "not a domain name"),
        ("example.c", "not a domain name"),
    ],
)
def test_why_something_is_no_domain(text, reason):
    with pytest.raises(Refused, match=reason):
        DomainName(text)

"""Private addresses, and the forms in which a URL can hold an address."""

from __future__ import annotations

import pytest

from condget.fetching.addresses import is_known_private, is_private


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.0.9",
        "10.1.2.3",
        "172.31.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.251",
        "239.1.1.1",
        "198.18.0.1",
        "240.0.0.1",
        "::",
        "::1",
        "fe80::1%eth0",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "::ffff:7f00:1",
        "::127.0.0.1",
        "2002:c0a8:101::1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "2001:0:808:808:0:0:80ff:fffe",
        "2001:0:808:808:0:0:f7f7:f7f7",
        "5f00::1",
        "3fff:1::1",
        "2001:db8::1",
        "2001:2::1",
        "100::1",
        "4000::1",
        "192.88.99.1",
        "192.0.0.170",
        "203.0.113.9",
        "::ffff:0:127.0.0.1",
        "2606:4700::5efe:10.0.0.1",
        "2606:4700::200:5efe:10.0.0.1",
    ],
)
def test_e4_private_addresses(address: str) -> None:
    assert is_private(address)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "2002:808:808::1",
        "64:ff9b::808:808",
        "::ffff:0:8.8.8.8",
        "2001:200::1",
        "2a00:1450::1",
    ],
)
def test_e4_public_addresses(address: str) -> None:
    assert not is_private(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "127.0.1", "0x7f000001", "0X7F.1", "2130706433", "0177.0.0.1", "017700000001", "127.0.0.1."),
        *("10.1", "0xa000001", "0", "0x", "192.168.257", "::1", "::ffff:127.0.0.1", "localhost.", "x.localhost"),
        *("4294967296", "1.2.3.256", "0x1ffffffff", "08.1"),
    ],
)
def test_e4_every_form_of_a_private_address_is_known(host: str) -> None:
    assert is_known_private(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "0x08080808", "134744072", "8.8.2056", "example.org", "1.example"])
def test_e4_names_and_public_addresses_are_not(host: str) -> None:
    assert not is_known_private(host)

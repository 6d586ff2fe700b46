"""Fixtures for the end-to-end tests: the real programs, real ports on 127.0.0.1."""
import pytest

import openwer


def pytest_configure(config):
    config.addinivalue_line("markers", "long: only in `./dev test long`")


@pytest.fixture(scope="session")
def programs():
    return openwer.Programs()


@pytest.fixture(scope="session")
def release():
    """The release build: for what measures or limits, where sanitizers would be in the way."""
    return openwer.Programs(build="build/release")


@pytest.fixture
def collector(tmp_path, programs):
    """A collector with the default rules, plain HTTP."""
    with openwer.Collector(tmp_path, programs) as running:
        yield running


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """An ECDSA certificate for localhost: paths of certificate and key."""
    return openwer.make_certificate(tmp_path_factory.mktemp("certificate"))

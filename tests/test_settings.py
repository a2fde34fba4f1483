"""Somebody who starts the portal sets variables, gets one wrong, or sets none at all."""

import re
import stat
from concurrent.futures import ProcessPoolExecutor
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from pathlib import Path

import pytest

from portal.data_dir import CHECKOUT, default_data_dir
from portal.settings import SettingError, Settings, warn_of_unknown

KEY = "k" * 32


def start(tmp_path: Path, **variables: str) -> Settings:
    given = {f"PORTAL_{name.upper()}": value for name, value in variables.items()}
    return Settings.from_environ({"PORTAL_DATA_DIR": str(tmp_path / "data"), **given})


def test_nothing_set_gives_the_embedded_default(tmp_path):
    settings = start(tmp_path)
    data = tmp_path / "data"
    assert settings.database_url == f"sqlite:///{data}/portal.db"
    assert settings.storage_url == f"file://{data}/files"
    assert (settings.signup, settings.anonymous_read, settings.login_throttle) == ("open", True, "10 per minute")
    assert (settings.max_file_size, settings.max_chunk_size) == (None, 64 * 1024**2)
    assert settings.upload_ttl == timedelta(days=7)
    assert settings.public_url is None


def test_another_process_is_given_the_same_settings(tmp_path):
    settings = start(
        tmp_path, anonymous_read="off", upload_ttl="15m", max_file_size="2T", public_url="https://models.example.org"
    )
    assert Settings.from_environ(settings.as_environ()) == settings


def test_settings_do_not_change_after_the_start(tmp_path):
    with pytest.raises(FrozenInstanceError):
        start(tmp_path).signup = "closed"


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("max_file_size", "1", 1),
        ("max_file_size", "2T", 2 * 1024**4),
        ("max_chunk_size", "64m", 64 * 1024**2),
        ("max_chunk_size", " 5000 ", 5000),
        ("upload_ttl", "90", timedelta(seconds=90)),
        ("upload_ttl", "15m", timedelta(minutes=15)),
        ("upload_ttl", "2h", timedelta(hours=2)),
        ("upload_ttl", "7d", timedelta(days=7)),
        ("anonymous_read", "off", False),
        ("anonymous_read", "ON", True),
        ("signup", "verify", "verify"),
        ("log_format", "JSON", "json"),
        ("metrics_token", KEY, KEY),
        ("trusted_proxies", "10.0.0.7, 10.1.0.0/16,::1", "10.0.0.7/32,10.1.0.0/16,::1/128"),
        ("login_throttle", "5 per 2 minutes", "5 per 2 minutes"),
        ("public_url", "https://models.example.org/", "https://models.example.org"),
        ("public_url", "http://[::1]:8000", "http://[::1]:8000"),
        ("storage_url", "s3://lab-files/portal", "s3://lab-files/portal"),
        ("s3_endpoint_url", "http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
        ("database_url", "postgresql+psycopg://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("database_connections", "24", 24),
        ("secret_key", KEY, KEY),
    ],
)
def test_what_is_set_is_read(tmp_path, variable, text, value):
    assert getattr(start(tmp_path, **{variable: text}), variable) == value


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("secret_key", "k" * 31),
        ("secret_key", ""),
        ("database_url", "mysql://h/db"),
        ("database_connections", "1"),
        ("database_connections", "all"),
        ("database_url", "postgresql+psycopg2://h/db"),
        ("database_url", "sqlite://"),
        ("database_url", "portal.db"),
        ("storage_url", "/srv/files"),
        ("storage_url", "file://elsewhere/files"),
        ("storage_url", "s3:///prefix"),
        ("storage_url", "s3://Bucket_name/prefix"),
        ("storage_url", "s3://key:secret@bucket/prefix"),
        ("storage_url", "s3://bucket/prefix?region=x"),
        ("s3_endpoint_url", "store:9000"),
        ("s3_public_url", "ftp://store"),
        ("public_url", "models.example.org"),
        ("public_url", "https://models.example.org/portal"),
        ("public_url", "https://models.example.org:port"),
        ("public_url", "javascript:alert(1)"),
        ("signup", "yes"),
        ("anonymous_read", "1"),
        ("max_file_size", "0"),
        ("max_file_size", "-1"),
        ("max_file_size", "1.5G"),
        ("max_file_size", "٣"),
        ("max_file_size", "99999999T"),
        ("max_chunk_size", "64 MB"),
        ("data_dir", ""),
        ("database_url", "sqlite:///portal.db"),
        ("public_url", f"https://{'a' * 64}.example.org"),
        ("upload_ttl", "7 days"),
        ("upload_ttl", "0"),
        ("upload_ttl", "999999999d"),
        ("login_throttle", "10"),
        ("login_throttle", "0 per minute"),
        ("login_throttle", "10 per minute; 100 per hour"),
        ("login_throttle", "10 per minute and then some"),
    ],
)
def test_a_bad_value_stops_the_start_and_says_what_the_variable_takes(tmp_path, variable, text):
    takes = next(each.metadata["takes"] for each in fields(Settings) if each.name == variable)
    with pytest.raises(SettingError) as stopped:
        start(tmp_path, **{variable: text})
    assert str(stopped.value) == f"PORTAL_{variable.upper()} takes {takes}"


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    with pytest.raises(SettingError) as stopped:
        start(tmp_path, signup="yes", upload_ttl="never", secret_key="too short")
    assert re.findall("PORTAL_[A-Z_]+", str(stopped.value)) == [
        "PORTAL_SECRET_KEY",
        "PORTAL_SIGNUP",
        "PORTAL_UPLOAD_TTL",
    ]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PORTAL_MAX_FILESIZE", " Did you mean PORTAL_MAX_FILE_SIZE?"),
        ("PORTAL_SIGN_UP", " Did you mean PORTAL_SIGNUP?"),
        ("PORTAL_DB_URL", " Did you mean PORTAL_DATABASE_URL?"),
        ("PORTAL_SERVICE_HOST", ""),
        ("PORTAL_", ""),
    ],
)
def test_a_misspelt_variable_is_named_together_with_the_nearest(name, meant, capsys):
    warn_of_unknown({name: "secret", "PORTAL_SIGNUP": "closed", "PATH": "/bin"})
    said = capsys.readouterr().err
    assert said == f"Warning: {name} is none of the portal's variables and has no effect.{meant}\n"


def test_nothing_is_said_of_variables_that_somebody_reads(capsys):
    known = {f"PORTAL_{each.name.upper()}": "x" for each in fields(Settings)}
    warn_of_unknown({**known, "PORTAL_TOKEN": "mp_x", "PORTAL_TEST_BROWSER": "required", "HOME": "/root"})
    assert capsys.readouterr() == ("", "")


def test_secrets_are_not_shown_by_a_traceback_or_a_log(tmp_path):
    settings = start(tmp_path, secret_key=KEY, database_url="postgresql+psycopg://u:hunter2@h/db")
    assert KEY not in repr(settings)
    assert "hunter2" not in repr(settings)


def test_the_key_is_made_once_and_readable_by_its_owner_alone(tmp_path):
    first = start(tmp_path).secret_key
    kept = tmp_path / "data" / "secret_key"
    assert len(first) >= 32
    assert start(tmp_path).secret_key == first
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert [path.name for path in kept.parent.iterdir()] == ["secret_key"]


def test_two_portals_have_different_keys(tmp_path):
    assert start(tmp_path / "a").secret_key != start(tmp_path / "b").secret_key


def key_of(data_dir: str) -> str:
    return Settings.from_environ({"PORTAL_DATA_DIR": data_dir}).secret_key


def test_processes_that_start_at_the_same_moment_agree_on_the_key(tmp_path):
    with ProcessPoolExecutor(8) as processes:
        for attempt in range(20):
            folder = str(tmp_path / str(attempt))
            assert len(set(processes.map(key_of, [folder] * 8))) == 1


def test_a_kept_key_that_was_cut_short_stops_the_start(tmp_path):
    start(tmp_path)
    (tmp_path / "data" / "secret_key").write_text("short")
    with pytest.raises(SettingError, match="PORTAL_SECRET_KEY"):
        start(tmp_path)


def test_a_data_directory_that_cannot_be_made_stops_the_start(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match="PORTAL_DATA_DIR"):
        start(tmp_path, data_dir=str(tmp_path / "file" / "data"))


def test_a_portal_that_keeps_everything_elsewhere_makes_no_data_directory(tmp_path):
    start(tmp_path, secret_key=KEY, database_url="postgresql+psycopg://h/db", storage_url="file:///elsewhere")
    assert not (tmp_path / "data").exists()


def test_a_checkout_keeps_its_data_in_its_instance_folder():
    assert default_data_dir({"XDG_DATA_HOME": "/elsewhere"}) == CHECKOUT / "instance"


@pytest.mark.parametrize(
    ("address", "secure"), [("https://models.example.org", True), ("http://models.example.org", False)]
)
def test_the_cookie_goes_over_https_alone_where_the_public_address_is_https(tmp_path, address, secure):
    assert start(tmp_path, public_url=address).flask_config()["SESSION_COOKIE_SECURE"] is secure


def test_every_variable_is_in_the_readme():
    table = (CHECKOUT / "README.md").read_text()
    assert [each.name for each in fields(Settings) if f"`PORTAL_{each.name.upper()}`" not in table] == []

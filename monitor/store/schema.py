"""Tables of the history database."""

from __future__ import annotations

from devices.vocabulary import Vocabulary

TABLES = """
CREATE TABLE IF NOT EXISTS lift (slot INTEGER PRIMARY KEY, reg_code VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS batch (
    id BIGINT NOT NULL, now_ms BIGINT NOT NULL, ledger VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS message (
    batch BIGINT NOT NULL, lift INTEGER NOT NULL, ts_ms BIGINT NOT NULL,
    code INTEGER NOT NULL, state TINYINT NOT NULL, late BOOLEAN NOT NULL);
ALTER TABLE message ADD COLUMN IF NOT EXISTS shift_ms BIGINT;
CREATE TABLE IF NOT EXISTS waveform (
    batch BIGINT NOT NULL, lift INTEGER NOT NULL, ts_ms BIGINT NOT NULL,
    rate_hz DOUBLE NOT NULL, unit VARCHAR NOT NULL, axis VARCHAR NOT NULL, data BLOB NOT NULL,
    burst INTEGER);
ALTER TABLE waveform ADD COLUMN IF NOT EXISTS burst INTEGER;
CREATE TABLE IF NOT EXISTS gap (
    batch BIGINT NOT NULL, gateway VARCHAR NOT NULL, from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL, samples BIGINT NOT NULL, kept BIGINT NOT NULL,
    reason VARCHAR NOT NULL);
CREATE TABLE IF NOT EXISTS ledger (
    gateway VARCHAR NOT NULL, boot BIGINT NOT NULL, ranges VARCHAR NOT NULL,
    changed_ms BIGINT NOT NULL, PRIMARY KEY (gateway, boot));
CREATE SEQUENCE IF NOT EXISTS quarantine_id;
CREATE TABLE IF NOT EXISTS quarantine (
    id BIGINT DEFAULT nextval('quarantine_id'), at_ms BIGINT NOT NULL, gateway VARCHAR NOT NULL,
    topic VARCHAR NOT NULL, boot BIGINT, seq BIGINT, reason VARCHAR NOT NULL,
    refusals VARCHAR NOT NULL, size BIGINT NOT NULL, payload BLOB NOT NULL);
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS run BIGINT;
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS outcome VARCHAR;
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS ended_ms BIGINT;
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS ended_by VARCHAR;
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS why VARCHAR;
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS took VARCHAR;
CREATE TABLE IF NOT EXISTS segment (
    file VARCHAR PRIMARY KEY, lo_ms BIGINT NOT NULL, hi_ms BIGINT NOT NULL,
    samples BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS link_day (
    day DATE NOT NULL, gateway VARCHAR NOT NULL, vendor VARCHAR NOT NULL, figures VARCHAR NOT NULL,
    delays BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS delivery (
    tier VARCHAR NOT NULL, stream VARCHAR NOT NULL, begins BIGINT NOT NULL, ends BIGINT NOT NULL,
    begun_ms BIGINT NOT NULL, proven_ms BIGINT, objects BIGINT, unsaid VARCHAR, gone BIGINT,
    proofs VARCHAR);
CREATE TABLE IF NOT EXISTS cursor (name VARCHAR PRIMARY KEY, batch BIGINT NOT NULL);
"""


def sample_table(vocab: Vocabulary) -> str:
    """Return the DDL of `sample`: one FLOAT column a channel, in vocabulary order.

    shift_ms: what was added to ts_ms when it was judged, NULL for nothing.
    """
    channels = ", ".join(f'"{channel.name}" FLOAT' for channel in vocab.channels)
    return (
        "CREATE TABLE IF NOT EXISTS sample (batch BIGINT NOT NULL, lift INTEGER NOT NULL, "
        f"ts_ms BIGINT NOT NULL, late BOOLEAN NOT NULL, {channels});"
        "ALTER TABLE sample ADD COLUMN IF NOT EXISTS shift_ms BIGINT"
    )

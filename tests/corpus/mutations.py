"""Seeded damage to files, by their format: bytes anywhere, and the parts that a format's own checks let through.

A mutation is a function of a file's content and of a `random.Random`; the same seed gives the same bytes.
"""

import gzip
import io
import json
import os
import random
import sqlite3
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

Mutation = Callable[[bytes, random.Random], bytes]

ODD_VALUES = [None, True, 0, -1, 1, 1e308, float("nan"), float("inf"), 10**400, "", "0", "5", "é", "\x00", [], {}, [[]], [0], [1, 2, 3, 4, 5, 6],
              [[1, 2, 3, 4, 5, float("nan")]], [[0, 0, 5, 0, 5, 5]], {"size": [9, 11]}, {"counts": "3"}, [9, 11], [2**40, 2**40], "v_v0_f_5_i_0",
              "v0/00005/0", "../../x", "/", -(2**63)]  # fmt: skip
ODD_TEXTS = ["", " ", "²", "-1", "1e9", "nan", "../../x", "/etc/hostname", "a/b", ".", "..", "\x00", '"', "x" * 70_000, "é", "\ud7ff", "1 (copy)", "None",
             "con", "file:///etc/hostname", "0x10", "00003", "\u2028", "٣"]  # fmt: skip


def some_bytes(content: bytes, chance: random.Random) -> bytes:
    """Bytes of which some are changed, dropped, repeated, zeroed or inserted."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5, 20])):
        if not data:
            break
        at = chance.randrange(len(data))
        kind = chance.randrange(7)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            data[at] = chance.randrange(256)
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + chance.randrange(1, 9)]
        elif kind == 4:
            data[at:at] = data[at : at + chance.randrange(1, 30)]
        elif kind == 5:
            data[at : at + 8] = bytes(len(data[at : at + 8]))
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 5))
    return bytes(data)


def flipped(content: bytes, chance: random.Random) -> bytes:
    """Bytes of the same number, a few of them changed: what a format's own lengths do not notice."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 1, 3, 10])):
        if data:
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


# ---- text ----------------------------------------------------------------------------------------------------------


def value(found: object, chance: random.Random) -> object:
    """A JSON value of which one part, at any depth, is changed, dropped or repeated."""
    if isinstance(found, dict) and found and chance.random() < 0.85:
        key = chance.choice(list(found))
        kind = chance.random()
        if kind < 0.1:
            return {name: own for name, own in found.items() if name != key}
        if kind < 0.15:
            return {**found, str(chance.choice(ODD_VALUES)): found[key]}
        return {**found, key: value(found[key], chance)}
    if isinstance(found, list) and found and chance.random() < 0.85:
        at = chance.randrange(len(found))
        kind = chance.random()
        if kind < 0.1:
            return found[:at] + found[at + 1 :]
        if kind < 0.2:
            return [*found, found[at]]
        return [*found[:at], value(found[at], chance), *found[at + 1 :]]
    if isinstance(found, str) and found and chance.random() < 0.5:
        return some_bytes(found.encode(), chance).decode("utf-8", "replace")
    return chance.choice(ODD_TEXTS) if isinstance(found, str) and chance.random() < 0.4 else chance.choice(ODD_VALUES)


def document(content: bytes, chance: random.Random) -> bytes:
    """A JSON file with odd values; at times nested deep, or damaged as bytes."""
    kind = chance.random()
    if kind < 0.2:
        return some_bytes(content, chance)
    if kind < 0.22:
        return b"[" * 100_000
    try:
        found = json.loads(content)
    except ValueError:  # of lines of JSON
        return lines_of_json(content, chance)
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        found = value(found, chance)
    return json.dumps(found, ensure_ascii=chance.random() < 0.5).encode("utf-8", "surrogatepass")


def lines_of_json(content: bytes, chance: random.Random) -> bytes:
    """A JSON-lines file with an odd, a missing or a repeated line."""
    lines = content.splitlines(keepends=True)
    kind = chance.random()
    if kind < 0.2 or not lines:
        return some_bytes(content, chance)
    at = chance.randrange(len(lines))
    if kind < 0.3:
        return b"".join(lines[:at] + lines[at + 1 :])
    if kind < 0.4:
        return b"".join([*lines, lines[at]])
    lines[at] = document(lines[at], chance).replace(b"\n", b" ") + b"\n"
    return b"".join(lines)


def table_of_text(content: bytes, chance: random.Random) -> bytes:
    """A CSV file, or lines of words, with odd cells, rows too short, too long, missing or twice, and other encodings."""
    kind = chance.random()
    if kind < 0.25:
        return some_bytes(content, chance)
    if kind < 0.3:
        return content.decode("utf-8", "replace").encode(
            chance.choice(["utf-16", "utf-8-sig", "utf-32", "cp037"]), "replace"
        )
    text = content.decode("utf-8", "replace")
    gap = "," if text.count(",") else " "
    rows = [row.split(gap) for row in text.split("\n")]
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(rows))
        row, kind = list(rows[at]), chance.random()
        if kind < 0.1:
            del rows[at]
            rows = rows or [[""]]
            continue
        if kind < 0.2:
            rows.insert(at, row)
        elif kind < 0.3:
            rows[at] = row[:-1]
        elif kind < 0.4:
            rows[at] = [*row, *row]
        elif row:
            row[chance.randrange(len(row))] = chance.choice(ODD_TEXTS)
            rows[at] = row
    return "\n".join(gap.join(row) for row in rows).encode("utf-8", "surrogatepass")


# ---- tables and arrays -----------------------------------------------------------------------------------------------


def parquet(content: bytes, chance: random.Random) -> bytes:
    """A parquet file damaged as bytes, or whole with other columns, types and values."""
    if chance.random() < 0.4:
        return some_bytes(content, chance) if chance.random() < 0.5 else flipped(content, chance)
    table = pq.read_table(io.BytesIO(content))
    at = chance.randrange(table.num_columns)
    name, column = table.column_names[at], table.column(at)
    kind = chance.randrange(8)
    if kind == 0:
        table = table.drop_columns([name])
    elif kind == 1:
        table = table.rename_columns([f"{other}x" if other == name else other for other in table.column_names])
    elif kind == 2:
        table = table.slice(0, chance.randrange(max(1, len(table))))
    elif kind == 3:
        table = pa.concat_tables([table, table.slice(0, 1 + chance.randrange(max(1, len(table))))])
    elif kind == 4:
        odd = [pa.nulls(len(table)), pa.array([7] * len(table)), pa.array(["x"] * len(table)), pa.array([[1]] * len(table)),
               pa.array([{"a": 1}] * len(table)), pa.array([b"\xff"] * len(table)), pa.array([1.5] * len(table)),
               pa.array(["x"] * len(table)).dictionary_encode()]  # fmt: skip
        table = table.set_column(at, name, chance.choice(odd))
    else:
        rows = column.to_pylist()
        if rows:
            rows[chance.randrange(len(rows))] = value(rows[chance.randrange(len(rows))], chance)
        try:
            table = table.set_column(at, name, pa.array(rows, column.type))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            try:
                table = table.set_column(at, name, pa.array([str(row)[:100] for row in rows]))
            except (pa.ArrowException, ValueError):  # a number too long to print
                table = table.drop_columns([name])
    target = io.BytesIO()
    try:
        pq.write_table(table, target, row_group_size=chance.choice([1, 2, 1000]))
    except (pa.ArrowException, UnicodeError):
        return some_bytes(content, chance)
    return target.getvalue()


def _odd_arrays(chance: random.Random, old: np.ndarray) -> Any:
    floats = np.asarray(old, float) if old.dtype.kind in "biuf" else np.zeros(old.shape)
    return chance.choice([
        np.full(old.shape, np.nan), np.full(old.shape, np.inf), floats * 0.3, -floats - 1, floats * 1e300, np.ones(old.shape, complex), old[..., None], old.ravel(),
        old[:0], old[..., :1], np.zeros((0, 3)), np.zeros((1, 1)), np.array(3), np.array(2**63, np.uint64), np.array(-(2**63)), np.zeros((3,) * 7, np.uint8),
        np.zeros(old.shape, [("a", "u1"), ("b", "f4")]), np.array([b"ab"] * 3), np.zeros(old.shape, np.float16), np.zeros(old.shape, bool), old.T, old[::-1],
        np.full(old.shape, 255, np.uint8), np.full(old.shape, -1, np.int64), np.zeros((1, 2000, 3000), np.uint8),
    ])  # fmt: skip


def hdf5(content: bytes, chance: random.Random) -> bytes:
    """An HDF5 file damaged as bytes, or whole with other arrays, groups, links and storage."""
    if chance.random() < 0.45:
        return some_bytes(content, chance) if chance.random() < 0.5 else flipped(content, chance)
    target = io.BytesIO(content)
    with h5py.File(target, "a") as file:
        name = chance.choice(sorted(file))
        old = np.asarray(file[name][()])
        del file[name]
        kind = chance.randrange(14)
        if kind == 0:
            file.create_group(name)
        elif kind == 1:
            file.create_dataset(name, (2, 60_000, 60_000), np.uint8, chunks=(1, 1000, 1000), compression="gzip")
        elif kind == 2:
            file.create_dataset(name, old.shape or (1,), np.uint8, external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])
        elif kind == 3:
            layout = h5py.VirtualLayout(shape=old.shape or (1,), dtype=np.uint8)
            layout[...] = h5py.VirtualSource("/etc/hostname", "x", shape=old.shape or (1,))
            file.create_virtual_dataset(name, layout)
        elif kind == 4:
            file[name] = chance.choice(
                [h5py.SoftLink("/nowhere"), h5py.SoftLink(f"/{name}"), h5py.ExternalLink("/etc/hostname", "/x")]
            )
        elif kind == 5:
            file.create_dataset(name, data=np.array(["a", "b"], object), dtype=h5py.string_dtype())
        elif kind == 6:
            file.create_dataset(name, (2,), dtype=h5py.ref_dtype)
        elif kind == 7:
            file[name] = h5py.Empty("u1")
        elif kind == 8:
            file.create_dataset(name, (3,), dtype=h5py.vlen_dtype(np.uint8))
        elif kind == 9:
            file[name] = np.dtype("u1")
        elif kind == 10:
            pass
        else:
            file[name] = _odd_arrays(chance, old)
    return target.getvalue()


def matlab(content: bytes, chance: random.Random) -> bytes:
    """A MATLAB file of version 5 damaged as bytes, or whole with other arrays, cells, texts; one of version 7.3 as HDF5."""
    if content[512:516] == b"\x89HDF":
        return hdf5(content, chance) if chance.random() < 0.9 else some_bytes(content, chance)
    if chance.random() < 0.5:
        return some_bytes(content, chance) if chance.random() < 0.5 else flipped(content, chance)
    arrays = {name: own for name, own in loadmat(io.BytesIO(content)).items() if not name.startswith("__")}
    name = chance.choice(sorted(arrays))
    odd: list[Any] = [
        "text",
        csc_matrix(np.eye(3)),
        np.array([[1, "a"]], object),
        {"a": np.eye(2)},
        np.array([], float),
    ]
    new = chance.choice(odd) if chance.random() < 0.4 else _odd_arrays(chance, arrays[name])
    target = io.BytesIO()
    try:
        savemat(target, {chance.choice([name, name, name, f"{name}x"]): new}, do_compression=chance.random() < 0.5)
    except (TypeError, ValueError):
        return some_bytes(content, chance)
    return target.getvalue()


# ---- pictures and clips ------------------------------------------------------------------------------------------------


def with_right_checksums(content: bytes) -> bytes:
    """A PNG whose chunks' checksums are made to agree, so that the decoder itself meets the damage."""
    parts, at = [content[:8]], 8
    while at + 12 <= len(content):
        (length,) = struct.unpack_from(">I", content, at)
        if at + 12 + length > len(content):
            break
        body = content[at + 4 : at + 8 + length]
        parts.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        at += 12 + length
    return b"".join([*parts, content[at:]])


def picture(content: bytes, chance: random.Random) -> bytes:
    """A PNG or JPEG damaged as bytes, with right checksums or not, or of another mode, size or format, or one that unpacks to gigabytes."""
    kind = chance.random()
    if kind < 0.35:
        return some_bytes(content, chance)
    if kind < 0.65 and content[:4] == b"\x89PNG":
        return with_right_checksums(some_bytes(content, chance))
    if kind < 0.7 and content[:4] == b"\x89PNG":
        sides = chance.choice([(60_000, 60_000), (2**31 - 1, 1), (0, 0), (1, 2**31 - 1), (12_000, 12_000)])
        return with_right_checksums(content[:16] + struct.pack(">II", *sides) + content[24:])
    with Image.open(io.BytesIO(content)) as opened:
        changed = opened.convert(chance.choice(["RGB", "L", "RGBA", "LA", "1", "P", "I", "F", "CMYK"]))
    if chance.random() < 0.4:
        changed = changed.resize((chance.choice([1, 2, 64, 640]), chance.choice([1, 2, 48, 480])))
    target = io.BytesIO()
    try:
        changed.save(target, format=chance.choice(["PNG", "PNG", "PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"]))
    except (OSError, ValueError):
        return some_bytes(content, chance)
    return target.getvalue()


def clip(content: bytes, chance: random.Random) -> bytes:
    """A video damaged anywhere, in its header alone (of an mp4: `moov`), or put together of halves."""
    kind = chance.random()
    if kind < 0.4:
        return some_bytes(content, chance)
    if kind < 0.5:
        return flipped(content, chance)
    at = content.find(b"moov")
    if kind < 0.9 and at > 0:
        end = min(len(content), at + struct.unpack_from(">I", content, at - 4)[0])
        return content[:at] + flipped(content[at:end], chance) + content[end:]
    if kind < 0.95:
        half = chance.randrange(len(content))
        return content[half:] + content[:half]
    return content[:32] + some_bytes(content[32:600], chance) + content[600:]


# ---- archives ------------------------------------------------------------------------------------------------------


def zipped(inner: Mutation) -> Mutation:
    """Return the mutation of a zip: as bytes, one of its files by `inner`, or its names, sizes and flags."""

    def mutation(content: bytes, chance: random.Random) -> bytes:
        kind = chance.random()
        if kind < 0.35:
            return some_bytes(content, chance) if chance.random() < 0.5 else flipped(content, chance)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {info.filename: archive.read(info) for info in archive.infolist()}
        name = chance.choice(sorted(files))
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", chance.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
            for own, data in files.items():
                if own != name:
                    archive.writestr(own, data)
                    continue
                if kind < 0.6:
                    archive.writestr(own, inner(data, chance))
                elif kind < 0.65:
                    info = zipfile.ZipInfo(own)
                    info.external_attr = 0o120777 << 16
                    archive.writestr(info, "/etc/hostname")
                elif kind < 0.7:
                    archive.writestr(own, bytes(300 * 2**20), zipfile.ZIP_DEFLATED, 1)
                elif kind < 0.75:
                    archive.writestr(own, data, chance.choice([zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]))
                elif kind < 0.95:
                    archive.writestr(
                        chance.choice(
                            ["../x.png", "/etc/x.png", f"{own}/", f"{own}/x.png", own.upper(), "a\\b.png", "é.png"]
                        ),
                        data,
                    )
        return target.getvalue()

    return mutation


def tarred(inner: Callable[[str], Mutation]) -> Mutation:
    """Return the mutation of a tar.gz: as bytes before or after compression, one of its files by `inner(name)`, or its headers."""

    def mutation(content: bytes, chance: random.Random) -> bytes:
        kind = chance.random()
        if kind < 0.2:
            return some_bytes(content, chance) if chance.random() < 0.5 else flipped(content, chance)
        plain = gzip.decompress(content)
        if kind < 0.4:
            return gzip.compress(flipped(plain, chance), 1)
        target = io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(plain)) as source,
            tarfile.open(fileobj=target, mode="w:gz", compresslevel=1) as archive,
        ):
            members = source.getmembers()
            chosen = chance.choice(members)
            for member in members:
                file = source.extractfile(member)
                data = file.read() if file else b""
                if member is chosen:
                    if kind < 0.85:
                        data = inner(member.name)(data, chance)
                    elif kind < 0.9:
                        member.name = chance.choice(["../x", "/etc/x", "a/../../x", "con", "é"])
                    elif kind < 0.93:
                        member.type, member.linkname = (
                            chance.choice([tarfile.SYMTYPE, tarfile.LNKTYPE]),
                            "/etc/hostname",
                        )
                    elif kind < 0.96:
                        continue
                    else:
                        archive.addfile(member, io.BytesIO(data))
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data) if member.isreg() else None)
        return target.getvalue()

    return mutation


def safetensors(content: bytes, chance: random.Random) -> bytes:
    """A safetensors file damaged as bytes, or with odd values in its header."""
    if chance.random() < 0.4:
        return some_bytes(content, chance) if chance.random() < 0.5 else flipped(content, chance)
    (length,) = struct.unpack_from("<Q", content)
    header = document(content[8 : 8 + length], chance)
    said = len(header) if chance.random() < 0.9 else chance.choice([0, 2**63, len(header) + 1])
    tensors = bytearray(content[8 + length :])
    if chance.random() < 0.2 and len(tensors) > 4:
        at = 4 * chance.randrange(len(tensors) // 4)
        tensors[at : at + 4] = struct.pack("<f", chance.choice([float("nan"), float("inf"), 1e38]))
    return struct.pack("<Q", said) + header + bytes(tensors)


def database(content: bytes, chance: random.Random) -> bytes:
    """An SQLite file damaged as bytes, mostly in its first pages, or whole with other tables and values."""
    kind = chance.random()
    if kind < 0.3:
        return flipped(content[:4096], chance) + content[4096:]
    if kind < 0.55:
        return some_bytes(content, chance)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.sqlite"
        path.write_bytes(content)
        connection = sqlite3.connect(path)
        try:
            names = [
                row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type='table' ORDER BY name")
            ]
            for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type='trigger'").fetchall():
                connection.execute(f"DROP TRIGGER {trigger}")
            name = chance.choice(names)
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            kind, column = chance.random(), chance.choice(columns)
            if kind < 0.1:
                connection.execute(f"DROP TABLE {name}")
            elif kind < 0.25:
                connection.execute(f"ALTER TABLE {name} RENAME COLUMN {column} TO {column}_x")
            elif kind < 0.3:
                connection.execute(f"DELETE FROM {name}")
            else:
                odd = chance.choice([*ODD_TEXTS, None, -1, 0, 2**62, 1.5, b"\xff\xfe", "reject", "accept", "undo"])
                connection.execute(
                    f"UPDATE OR IGNORE {name} SET {column} = ? WHERE rowid = (SELECT min(rowid) FROM {name})", [odd]
                )
            connection.commit()
        except sqlite3.Error:
            return some_bytes(content, chance)
        finally:
            connection.close()
        return path.read_bytes()


# ---- what stands in a file's place -----------------------------------------------------------------------------------


def place(path: Path, chance: random.Random) -> None:
    """Put something else where a file is: nothing, a folder, a pipe, a link to nowhere, to itself or to endless zeros."""
    path.unlink()
    kind = chance.randrange(6)
    if kind == 1:
        path.mkdir()
    elif kind == 2:
        os.mkfifo(path)
    elif kind == 3:
        path.symlink_to("nowhere")
    elif kind == 4:
        path.symlink_to(path.name)
    elif kind == 5:
        path.symlink_to("/dev/zero")

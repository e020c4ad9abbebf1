#!/usr/bin/env python3
"""Writes the bad (and the merely unusual) archives into a folder, with expect.json beside them.

    make.py DIR [--only TEXT] [--kind KIND]

expect.json: {name: {"file", "about", "kind", "must", "names", "base", "limits", "may_run"}}
  kind   zip | pickle | storage | code | program | resource
  must   "error"                 exit code 1 and a message on stderr
         "same result"           exit code 0 and the same stdout as the archive `base`
         "error or same result"  either
         "error or any result"   either, the result is free (used for generated damage)
         "stop"                  does not end by itself: must end soon after SIGINT or at its deadline
                                 (where it names a base, that result is right too)
  names  words that a good message contains (a|b: one of them); their lack is a warning
  may_run  over its seconds it is sent SIGINT, and must then end
  limits seconds of wall time, rss_mb of resident memory; as_mb: address space to run it under
"""
import argparse
import json
import os
import struct
import sys
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from craft import (Entry, Model, Obj, Raw, Tensor, Typed, deflated, dump, floats, glob, module, pickle,  # noqa: E402
                   plain, reduce, rich, small, zeros_deflated, zip_bytes, PART, SMALL_ATTRS, SMALL_BODY)

CASES = {}
ERR, SAME, EITHER, STOP = "error", "same result", "error or same result", "stop"


def case(name, kind, must, about, names, make, base=None, **limits):
    assert name not in CASES, name
    lim = {"seconds": 5, "rss_mb": 500}
    may_run = limits.pop("may_run", False)
    lim.update(limits)
    e = {"file": name + ".pt", "about": about, "kind": kind, "must": must, "names": names, "limits": lim}
    if must in (SAME, EITHER) or (must == STOP and "loop_nothing" in name):
        e["base"] = base or "base_small"
    if may_run:
        e["may_run"] = True
    CASES[name] = (e, make)


# ================================================================ valid ones

case("base_small", "program", SAME, "a valid archive: weight * k + bias", [], lambda: small().bytes(), "base_small")
case("base_rich", "program", SAME, "a valid archive with every kind of attribute", [], lambda: rich().bytes(), "base_rich")
case("base_plain", "program", SAME, "a valid archive without tensors", [], lambda: plain().bytes(), "base_plain")


def spoil(**by_record):
    """small() with Entry arguments for some records: data_pkl=..., data_0=..., version=..."""
    m = small()
    keys = {"data_pkl": "data.pkl", "data_0": "data/0", "data_1": "data/1", "code": "code/__torch__.py",
            "version": "version", "byteorder": "byteorder", "constants_pkl": "constants.pkl"}
    for k, v in by_record.items():
        m.change[keys[k]] = v
    return m


def with_zip(f):
    """f(entries) -> keyword arguments for zip_bytes (may change entries in place)."""
    def make():
        es = small().entries()
        kw = f(es) or {}
        return zip_bytes(es, **kw)
    return make


def find(es, name):
    return [e for e in es if e.name.endswith(b"/" + name.encode())][0]


# ================================================================ zip: not an archive

case("file_empty", "zip", ERR, "a file of no bytes", ["file_empty.pt"], lambda: b"")
case("file_one_byte", "zip", ERR, "one byte", ["zip|archive"], lambda: b"P")
case("file_text", "zip", ERR, "a text file", ["zip|archive"], lambda: b"hello, world\n" * 20)
case("file_zeros", "zip", ERR, "1 MiB of zeros", ["zip|archive"], lambda: b"\0" * (1 << 20))
case("file_old_magic", "zip", ERR, "the magic of PyTorch's preview archives", ["zip|archive|format"], lambda: b"PYTORCH1" + b"\0" * 200)
case("file_bare_pickle", "zip", ERR, "a bare pickle, as torch.save wrote before 1.6", ["zip|archive"], lambda: pickle({"a": 1}))
case("file_signatures", "zip", ERR, "300,000 end-of-directory signatures in a row", ["zip|archive"], lambda: b"PK\5\6" * 300000)
case("file_missing", "zip", ERR, "the file does not exist", ["file_missing.pt"], lambda: None)
case("file_folder", "zip", ERR, "a folder in the file's place", ["file_folder.pt"], lambda: "folder")
case("file_fifo", "zip", ERR, "a named pipe that nobody writes to", ["file_fifo.pt"], lambda: "fifo")

# ---------------------------------------------------------------- truncated


def cut(where):
    def make():
        es = small().entries()
        b = zip_bytes(es)
        cd = b.index(b"PK\1\2")
        at = {"signature": 4, "local_header": 20, "local_name": 33,
              "storage": find(es, "data/0").data_offset + 10,
              "descriptor": find(es, "data/0").data_offset + 24 + 6,
              "pickle": find(es, "data.pkl").data_offset + 20,
              "code": find(es, "code/__torch__.py").data_offset + 30,
              "directory_start": cd, "directory_middle": cd + 100,
              "directory_last": b.index(b"PK\6\6") - 1, "end64": b.index(b"PK\6\6") + 20,
              "locator": b.index(b"PK\6\7") + 7, "end": b.index(b"PK\5\6"),
              "end_middle": b.index(b"PK\5\6") + 11, "last_byte": len(b) - 1}[where]
        return b[:at]
    return make


for w in ("signature", "local_header", "local_name", "storage", "descriptor", "pickle", "code", "directory_start",
          "directory_middle", "directory_last", "end64", "locator", "end", "end_middle", "last_byte"):
    case("cut_" + w, "zip", ERR, "the file ends within: " + w.replace("_", " "), ["truncated|central directory|zip"], cut(w))
case("cut_head", "zip", ERR, "the first 64 bytes are gone (offsets point wrong)", ["zip|header"], lambda: small().bytes()[64:])

# ---------------------------------------------------------------- bit flips and false fields


def local(record, **f):
    return lambda: spoil(**{record: dict(local=f)}).bytes()


def central(record, **f):
    return lambda: spoil(**{record: dict(central=f)}).bytes()


case("local_signature", "zip", ERR, "a local header's signature is wrong", ["data/0"], local("data_0", sig=0x04034B51))
case("local_name_differs", "zip", ERR, "the local header names another record than the directory", ["data/0"], local("data_0", name=b"m/data/7"))
case("local_name_longer", "zip", ERR, "the local header's name length shifts the data", ["data/0"], local("data_0", name_len=40))
case("local_extra_longer", "zip", ERR, "the local header's extra length shifts the data", ["data/0"], local("data_0", extra_len=60))
case("local_extra_huge", "zip", ERR, "the local header's extra length points beyond the record", ["data/1"], local("data_1", extra_len=65535))
case("local_method_differs", "zip", EITHER, "local header says deflate, directory says stored", ["data/0"], local("data_0", method=8))
case("local_flags_encrypted", "zip", EITHER, "local header says encrypted", ["data/0"], local("data_0", flags=0x0809))
case("local_sizes_differ", "zip", EITHER, "local header gives other sizes (no descriptor)", ["data/0"],
     lambda: spoil(data_0=dict(flags=0x0800, local=dict(csize=99, usize=99))).bytes())
case("descriptor_differs", "zip", EITHER, "the data descriptor's CRC and sizes are wrong", ["data/0"],
     lambda: spoil(data_0=dict(descriptor=dict(crc=1, csize=2, usize=3))).bytes())
case("central_signature", "zip", ERR, "a directory entry's signature is wrong", ["central directory|zip"], central("data_pkl", sig=0x02014B51))
case("central_encrypted", "zip", ERR, "a record is flagged encrypted", ["data.pkl"], central("data_pkl", flags=0x0809))
case("central_strong_encryption", "zip", ERR, "a record is flagged with strong encryption and a masked header", ["data.pkl"], central("data_pkl", flags=0x2849))
case("central_method_deflate", "zip", ERR, "a stored record is said to be deflated", ["data.pkl"], central("data_pkl", method=8))
case("central_method_stored", "zip", ERR, "a deflated source file is said to be stored", ["__torch__.py"], central("code", method=0))
for n, t in ((1, "shrunk"), (9, "deflate64"), (12, "bzip2"), (14, "LZMA"), (93, "zstd"), (99, "AES"), (65535, "65535")):
    case("central_method_%d" % n, "zip", ERR, "compression method %d (%s)" % (n, t), ["data.pkl"], central("data_pkl", method=n))
case("central_crc_pickle", "zip", ERR, "wrong CRC of data.pkl in the directory", ["data.pkl"], lambda: spoil(data_pkl=dict(crc=0x12345678)).bytes())
case("central_crc_code", "zip", ERR, "wrong CRC of a source file", ["__torch__.py"], lambda: spoil(code=dict(crc=0x12345678)).bytes())
case("central_crc_storage", "zip", ERR, "wrong CRC of a storage", ["data/0"], lambda: spoil(data_0=dict(crc=0x12345678)).bytes())
case("central_crc_version", "zip", ERR, "wrong CRC of the version record", ["version"], lambda: spoil(version=dict(crc=0x12345678)).bytes())
case("crc_all_zero", "zip", EITHER, "every CRC is 0, as torch.save can be told to write", ["crc|checksum"],
     with_zip(lambda es: [setattr(e, "crc", 0) for e in es] and None))


def flip_data(record, at):
    def make():
        es = small().entries()
        e = find(es, record)
        b = bytearray(zip_bytes(es))
        b[e.data_offset + at] ^= 0x10
        return bytes(b)
    return make


case("flip_storage", "zip", ERR, "one bit of a storage is flipped", ["data/0"], flip_data("data/0", 7))
case("flip_pickle", "zip", ERR, "one bit of data.pkl is flipped", ["data.pkl"], flip_data("data.pkl", 30))
case("flip_code", "zip", ERR, "one bit of a deflated source file is flipped", ["__torch__.py"], flip_data("code/__torch__.py", 60))
case("flip_version", "zip", ERR, "one bit of the version is flipped", ["version"], flip_data("version", 0))
case("central_csize_huge", "zip", ERR, "compressed size of 4 GiB - 2", ["data/0"], central("data_0", csize=0xFFFFFFFE, usize=0xFFFFFFFE))
case("central_csize_more", "zip", ERR, "compressed size runs into the next record", ["data/0"], lambda: spoil(data_0=dict(csize=200, usize=200)).bytes())
case("central_usize_less", "zip", ERR, "stored record whose two sizes differ", ["data/0"], central("data_0", usize=12))
case("central_csize_zero", "zip", ERR, "compressed size 0 of a deflated file", ["__torch__.py"], central("code", csize=0))
case("central_usize_zero", "zip", ERR, "declared size 0 of a deflated file", ["__torch__.py"], central("code", usize=0))
case("central_usize_4g", "zip", ERR, "a small deflated file said to inflate to 4 GiB - 2", ["__torch__.py"], central("code", usize=0xFFFFFFFE))
case("central_size_marker", "zip", ERR, "size 0xFFFFFFFF without the zip64 field", ["data/0"], central("data_0", csize=0xFFFFFFFF, usize=0xFFFFFFFF))
case("central_offset_beyond", "zip", ERR, "a record's offset is beyond the end", ["data/0"], central("data_0", offset=0x7FFFFFFF))
case("central_offset_marker", "zip", ERR, "offset 0xFFFFFFFF without the zip64 field", ["data/0"], central("data_0", offset=0xFFFFFFFF))
case("central_offset_plus", "zip", ERR, "a record's offset is one too large", ["data/1"], lambda: tamper_offset(1))
case("central_offset_directory", "zip", ERR, "a record's offset points into the directory", ["data/1"], lambda: tamper_offset("cd"))
case("central_name_longer", "zip", ERR, "a directory entry's name runs to the end of the file", ["central directory|zip"], central("byteorder", name_len=60000))
case("central_extra_longer", "zip", ERR, "a directory entry's extra field runs over the next entry", ["central directory|zip"], central("data_0", extra_len=30))
case("central_comment_longer", "zip", ERR, "a directory entry's comment runs over the rest", ["central directory|zip"], central("data_0", comment_len=65535))
case("central_disk", "zip", EITHER, "a record is said to be on disk 7", ["data/0|disk"], central("data_0", disk=7))
case("central_name_nul", "zip", EITHER, "a further record's name holds a NUL", ["name"],
     with_zip(lambda es: es.append(Entry(b"m/extra\0.py", b"x"))))
case("central_name_empty", "zip", EITHER, "a further record with an empty name", ["name"], with_zip(lambda es: es.append(Entry(b"", b"x"))))
case("central_name_long", "zip", EITHER, "a further record with a name of 65,000 bytes", ["name"],
     with_zip(lambda es: es.append(Entry(b"m/" + b"a" * 65000, b"x", align=0))))
case("central_name_not_utf8", "zip", EITHER, "a further record whose name is no UTF-8 though flagged so", ["name|utf"],
     with_zip(lambda es: es.append(Entry(b"m/\xff\xfe\xc0", b"x"))))


def tamper_offset(how):
    es = small().entries()
    b = zip_bytes(es)
    e = find(es, "data/1")
    e.central["offset"] = b.index(b"PK\1\2") if how == "cd" else e.offset + how
    return zip_bytes(es)


def end(**kw):
    return with_zip(lambda es: kw)


case("end_signature", "zip", ERR, "the end record's signature is wrong", ["zip|central directory"], end(eocd={"sig": 0x06054B51}))
case("end_disks", "zip", EITHER, "the end record says disk 1 of several", ["disk|zip"], end(eocd={"disk": 1, "cd_disk": 1}, zip64_end=False))
case("end_no_entries", "zip", ERR, "the end record says 0 entries", ["zip|entries|directory"], end(eocd={"here": 0, "total": 0}, zip64_end=False))
case("end_more_entries", "zip", ERR, "the end record says one entry more", ["zip|entries|directory"], end(eocd={"here": 9, "total": 9}, zip64_end=False))
case("end_fewer_entries", "zip", ERR, "the end record says one entry less", ["zip|entries|directory"], end(eocd={"here": 7, "total": 7}, zip64_end=False))
case("end_many_entries", "zip", ERR, "the end record says 65,534 entries", ["zip|entries|directory"], end(eocd={"here": 65534, "total": 65534}, zip64_end=False))
case("end_counts_differ", "zip", EITHER, "entries on this disk and in all differ", ["zip|entries|directory"], end(eocd={"here": 3}, zip64_end=False))
case("end_size_less", "zip", ERR, "the directory is said to be 40 bytes long", ["zip|directory"], end(eocd={"cd_size": 40}, zip64_end=False))
case("end_size_huge", "zip", ERR, "the directory is said to be 4 GiB - 2 long", ["zip|directory"], end(eocd={"cd_size": 0xFFFFFFFE}, zip64_end=False))
case("end_offset_zero", "zip", ERR, "the directory is said to start at 0", ["zip|directory"], end(eocd={"cd_start": 0}, zip64_end=False))
case("end_offset_beyond", "zip", ERR, "the directory is said to start beyond the end", ["zip|directory"], end(eocd={"cd_start": 0x7FFFFFFF}, zip64_end=False))
case("end_comment_longer", "zip", EITHER, "the comment is said to run beyond the end", ["zip|comment|directory"], end(eocd={"comment_len": 500}, zip64_end=False))
case("end64_signature", "zip", EITHER, "the zip64 end record's signature is wrong", ["zip"], end(end64={"sig": 0x06064B51}))
case("end64_record_size", "zip", EITHER, "the zip64 end record says its size is 2^63", ["zip"], end(end64={"size": 1 << 63}))
case("end64_entries_huge", "zip", ERR, "2^62 entries", ["zip|entries|directory"], end(end64={"here": 1 << 62, "total": 1 << 62}, eocd={"here": 65535, "total": 65535}))
case("end64_size_huge", "zip", ERR, "directory of 2^63 bytes", ["zip|directory"], end(end64={"cd_size": 1 << 63}, eocd={"cd_size": 0xFFFFFFFF}))
case("end64_offset_wraps", "zip", ERR, "directory offset + size wraps around 2^64", ["zip|directory"],
     end(end64={"cd_start": (1 << 64) - 64, "cd_size": 128}, eocd={"cd_start": 0xFFFFFFFF, "cd_size": 0xFFFFFFFF}))
case("end64_disagrees", "zip", EITHER, "zip64 and plain end record give different directories", ["zip|directory"], end(end64={"here": 3, "total": 3}))
case("locator_beyond", "zip", EITHER, "the zip64 locator points beyond the end", ["zip"], end(locator={"offset": 1 << 60}))
case("locator_self", "zip", EITHER, "the zip64 locator points at itself", ["zip"], end(locator={"offset": 0}))
case("locator_needed_beyond", "zip", ERR, "the plain end record defers to a zip64 record that lies beyond the end", ["zip"],
     end(locator={"offset": 1 << 60}, eocd={"here": 65535, "total": 65535, "cd_size": 0xFFFFFFFF, "cd_start": 0xFFFFFFFF}))
case("zip64_sizes_2_62", "zip", ERR, "zip64 sizes of 2^62 bytes", ["data/0"], lambda: spoil(data_0=dict(zip64=True, csize=1 << 62, usize=1 << 62)).bytes())
case("zip64_sizes_minus_one", "zip", ERR, "zip64 sizes of 2^64 - 1", ["data/0"], lambda: spoil(data_0=dict(zip64=True, csize=(1 << 64) - 1, usize=(1 << 64) - 1)).bytes())
case("zip64_extra_short", "zip", ERR, "the zip64 field is cut short", ["data/0"],
     lambda: spoil(data_0=dict(central=dict(csize=0xFFFFFFFF, usize=0xFFFFFFFF), central_extra=struct.pack("<HHI", 1, 4, 24))).bytes())
case("zip64_extra_overrun", "zip", ERR, "an extra field's length runs beyond the extra area", ["data/0|extra"],
     lambda: spoil(data_0=dict(central=dict(csize=0xFFFFFFFF, usize=0xFFFFFFFF), central_extra=struct.pack("<HHQ", 1, 60000, 24))).bytes())

# ---------------------------------------------------------------- overlaps, duplicates, names


def overlap_nested(es):
    e = find(es, "data/0")
    e.csize = e.usize = 24 + 16 + 30 + 8    # runs over the next record's header
    e.crc = 0


def overlap_shared(es):
    e = find(es, "data/1")
    es.append(Entry("m/data/2", b"", share=e))


def bomb_shared(es):
    raw, n, crc = zeros_deflated(512)
    big = Entry("m/extra/0", b"", method=8, raw=raw, usize=n, crc=crc)
    es.append(big)
    for i in range(1, 2000):
        es.append(Entry("m/extra/%d" % i, b"", method=8, share=big))


def bomb_code_shared(es):
    raw, n, crc = zeros_deflated(64, b"\n")
    big = Entry("m/code/__torch__/a0.py", b"", method=8, raw=raw, usize=n, crc=crc)
    es.append(big)
    for i in range(1, 500):
        es.append(Entry("m/code/__torch__/a%d.py" % i, b"", method=8, share=big))


case("overlap_next", "zip", ERR, "a record's data reaches over the next record", ["data/0"], with_zip(overlap_nested))
case("overlap_shared", "zip", ERR, "two names share one record's bytes", ["data/2|overlap"], with_zip(overlap_shared))
case("bomb_shared_unused", "zip", EITHER, "2,000 unused names for one record of 512 MiB: 1 TiB declared", ["overlap|extra/"], with_zip(bomb_shared))
case("bomb_shared_code", "zip", EITHER, "500 unused source files that share one record of 64 MiB", ["overlap|code/"], with_zip(bomb_code_shared))
case("duplicate_pickle", "zip", ERR, "two records m/data.pkl, different", ["data.pkl"], with_zip(
    lambda es: es.append(Entry("m/data.pkl", pickle(Obj("__torch__.M", {"k": 9}))))))
case("duplicate_storage", "zip", ERR, "two records m/data/0, different", ["data/0"], with_zip(lambda es: es.append(Entry("m/data/0", floats(9, 9, 9, 9, 9, 9)))))
case("duplicate_code", "zip", ERR, "two source files of the same name", ["__torch__.py"], with_zip(
    lambda es: es.append(Entry("m/code/__torch__.py", module(["k : int"], ["return torch.ones([1])"])))))
case("duplicate_version", "zip", ERR, "two version records", ["version"], with_zip(lambda es: es.append(Entry("m/version", "4\n"))))
case("duplicate_by_case", "zip", EITHER, "M/DATA.PKL beside m/data.pkl", ["data.pkl"], with_zip(
    lambda es: es.insert(1, Entry("m/DATA.PKL", pickle(Obj("__torch__.M", {"k": 9}))))))
case("name_absolute", "zip", EITHER, "a further record /etc/passwd", ["/etc/passwd"], with_zip(lambda es: es.append(Entry("/etc/passwd", "x"))))
case("name_dotdot", "zip", EITHER, "a further record m/../../pwned", ["pwned"], with_zip(lambda es: es.append(Entry("m/../../pwned", "x"))))
case("name_backslash", "zip", EITHER, "a further record m\\data\\0", ["data"], with_zip(lambda es: es.append(Entry("m\\data\\0", "x"))))
case("name_no_folder", "zip", ERR, "the records lie in no folder", ["folder|directory|subdirectory|data.pkl|version"], with_zip(
    lambda es: [setattr(e, "name", e.name[2:]) for e in es] and None))
case("name_two_folders", "zip", ERR, "half of the records lie in another folder", ["data.pkl|version|folder"], with_zip(
    lambda es: [setattr(e, "name", b"n" + e.name[1:]) for e in es[2:]] and None))
case("name_folder_dotdot", "zip", EITHER, "all records lie in the folder '..'", ["..|name"], lambda: top("..", small()))
case("name_folder_empty", "zip", EITHER, "all names start with a slash", ["name|folder"], lambda: top("", small()))
case("name_links", "zip", EITHER, "a further record flagged as a symbolic link to /etc/passwd", ["link|extra"],
     with_zip(lambda es: es.append(Entry("m/extra/link", "/etc/passwd", central=dict(made=0x0314, external=0o120777 << 16)))))


def top(name, m):
    m.top = name
    return m.bytes()


# ---------------------------------------------------------------- deflate

def raw_code(raw, usize=None, crc=None):
    def make():
        m = small()
        text = m.code["__torch__.py"].encode()
        m.change["code/__torch__.py"] = dict(method=8, raw=raw(text) if callable(raw) else raw, usize=usize, crc=crc)
        return m.bytes()
    return make


case("deflate_block_type", "zip", ERR, "a deflate block of the reserved type", ["__torch__.py"], raw_code(b"\x07\x00\x00\x00"))
case("deflate_cut", "zip", ERR, "the deflate stream is cut off", ["__torch__.py"], raw_code(lambda t: deflated(t)[:-20]))
case("deflate_no_final", "zip", EITHER, "the deflate stream has no final block", ["__torch__.py"], raw_code(lambda t: no_final(t)))
case("deflate_trailing", "zip", EITHER, "bytes follow the deflate stream within the record", ["__torch__.py"], raw_code(lambda t: deflated(t) + b"garbage"))
case("deflate_stored_lengths", "zip", ERR, "a stored block whose two lengths disagree", ["__torch__.py"], raw_code(b"\x01\x10\x00\x10\x00" + b"x" * 16))
case("deflate_far_distance", "zip", ERR, "a match that reaches before the start", ["__torch__.py"], raw_code(b"\x4b\x04\x03\x00\x63\x00\x63\x00"))
case("deflate_bad_tree", "zip", ERR, "code lengths that make no prefix code", ["__torch__.py"], raw_code(b"\x05\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
case("deflate_longer", "zip", ERR, "inflates to more than it declares", ["__torch__.py"], raw_code(deflated, usize=100))
case("deflate_shorter", "zip", ERR, "inflates to less than it declares", ["__torch__.py"], raw_code(deflated, usize=4000))
case("deflate_bomb_undeclared", "zip", ERR, "declares 400 bytes, inflates to 4 GiB", ["__torch__.py"], lambda: bomb("code/__torch__.py", 4096, usize=400))
case("deflate_bomb_code", "zip", ERR, "a source file of 4 GiB of zeros", ["__torch__.py"], lambda: bomb("code/__torch__.py", 4096, big=True))
case("deflate_bomb_code_newlines", "zip", ERR, "a source file of 2 GiB of empty lines", ["__torch__.py"], lambda: bomb("code/__torch__.py", 2048, b"\n"))
case("deflate_bomb_pickle", "zip", ERR, "a data.pkl of 4 GiB of zeros", ["data.pkl"], lambda: bomb("data.pkl", 4096, big=True))
case("deflate_bomb_pickle_marks", "zip", ERR, "a data.pkl of 2 GiB of MARK opcodes", ["data.pkl"], lambda: bomb("data.pkl", 2048, b"(", b"\x80\x02"))
case("deflate_bomb_pickle_none", "zip", ERR, "a data.pkl of 2 GiB of NONE opcodes", ["data.pkl"], lambda: bomb("data.pkl", 2048, b"N", b"\x80\x02"))
case("deflate_bomb_pickle_dicts", "zip", ERR, "a data.pkl of 1 GiB of EMPTY_DICT opcodes", ["data.pkl"], lambda: bomb("data.pkl", 1024, b"}", b"\x80\x02"))
case("deflate_bomb_version", "zip", ERR, "a version record of 2 GiB of digits", ["version"], lambda: bomb("version", 2048, b"3"))
case("deflate_bomb_byteorder", "zip", ERR, "a byteorder record of 2 GiB", ["byteorder"], lambda: bomb("byteorder", 2048, b"l"))
case("deflate_bomb_constants", "zip", ERR, "a constants.pkl of 2 GiB", ["constants.pkl"], lambda: bomb("constants.pkl", 2048, b"N", b"\x80\x02"))
case("deflate_bomb_storage", "zip", ERR, "a storage of 6 floats whose record inflates to 2 GiB", ["data/0"], lambda: bomb("data/0", 2048))
case("deflate_bomb_unused", "zip", EITHER, "an unused record of 10 GB of zeros in 10 MB", ["extra/zeros"], lambda: bomb("extra/zeros", 10240, big=True))
case("deflate_bomb_debug", "zip", EITHER, "the source's debug record is 2 GiB of zeros", ["debug_pkl"], lambda: bomb("code/__torch__.py.debug_pkl", 2048))


def no_final(text):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(text) + c.flush(zlib.Z_FULL_FLUSH)


def bomb(record, mib, byte=b"\0", head=b"", usize=None, big=False):
    raw, n, crc = zeros_deflated(mib, byte, head)
    m = small()
    if record not in m.records():
        m.extra[record] = b""
    e = dict(method=8, raw=raw, usize=n if usize is None else usize, crc=crc)
    if big and usize is None:
        e["zip64"] = True
    m.change[record] = e
    return m.bytes()


# ---------------------------------------------------------------- records of the archive

def lacking(*records):
    def make():
        m = small()
        m.without = set(records)
        return m.bytes()
    return make


def version(v):
    def make():
        m = small()
        m.version = v
        return m.bytes()
    return make


def order(v):
    def make():
        m = small()
        m.byteorder = v
        return m.bytes()
    return make


case("zip_empty", "zip", ERR, "a zip without entries", ["empty|data.pkl|version|files"], lambda: zip_bytes([], zip64_end=False))
case("lacks_data_pkl", "zip", ERR, "no data.pkl", ["data.pkl"], lacking("data.pkl"))
case("lacks_version", "zip", ERR, "no version record", ["version"], lacking("version"))
case("lacks_code", "zip", ERR, "no source file", ["code"], lacking("code/__torch__.py"))
case("lacks_constants", "zip", EITHER, "no constants.pkl, and none is used", ["constants.pkl"], lacking("constants.pkl"))
case("lacks_storage", "zip", ERR, "no record of a storage", ["data/1"], lacking("data/1"))
case("lacks_everything", "zip", ERR, "only the version record", ["data.pkl"],
     lacking("data.pkl", "data/0", "data/1", "code/__torch__.py", "constants.pkl", "byteorder", ".data/serialization_id"))
for v, about in (("999", "999"), ("-1", "-1"), ("abc", "no number"), ("", "empty"), ("0", "0"), ("3.5", "3.5"), ("0x3", "0x3"),
                 ("99999999999999999999999", "beyond 64 bits"), ("18446744073709551619", "2^64 + 3"), ("3abc", "a number and letters")):
    case("version_" + {"": "empty", "-1": "minus_1", "3.5": "3_5", "99999999999999999999999": "overflow", "18446744073709551619": "wraps"}.get(v, v),
         "zip", ERR, "the version record says: " + about, ["version"], version(v + ("\n" if v else "")))
case("version_nul", "zip", EITHER, "the version record: 3 and a NUL", ["version"], version("3\0"))
case("version_spaces", "zip", EITHER, "the version record: spaces around 3", ["version"], version("  3  \n"))
case("version_many_digits", "zip", ERR, "the version record has a million digits", ["version"], version("9" * 1000000))
case("byteorder_upper", "zip", EITHER, "byteorder says 'LITTLE'", ["byteorder"], order("LITTLE"))
for v in ("middle", "", "little\0x", "bi"):
    case("byteorder_" + {"": "empty", "little\0x": "nul", "bi": "cut"}.get(v, v), "zip", ERR, "byteorder says " + repr(v), ["byteorder"], order(v))

# ---------------------------------------------------------------- unusual but right


def ok(name, about, make, base="base_small", must=SAME):
    case(name, "zip", must, about, [], make, base)


ok("ok_comment", "a comment at the archive's end", lambda: small().bytes(comment=b"hello"))
ok("ok_no_zip64_end", "no zip64 end record", lambda: small().bytes(zip64_end=False))
ok("ok_no_descriptor", "sizes in the local headers, no data descriptors",
   with_zip(lambda es: [setattr(e, "flags", 0x0800) for e in es] and None))
ok("ok_descriptor_unsigned", "data descriptors without their signature",
   with_zip(lambda es: [setattr(e, "descriptor_signature", False) for e in es] and None))
ok("ok_flags_zero", "no UTF-8 flag", with_zip(lambda es: [setattr(e, "flags", 0) for e in es] and None))
ok("ok_zip64_entries", "zip64 size fields everywhere", with_zip(lambda es: [setattr(e, "zip64", True) for e in es] and None))
ok("ok_extra_fields", "timestamps and unknown extra fields",
   with_zip(lambda es: [(setattr(e, "extra", b"UT\5\0\3abcd\xfe\xca\2\0xy"), setattr(e, "central_extra", b"UT\5\0\3abcd")) for e in es] and None))
ok("ok_unaligned", "no alignment padding", with_zip(lambda es: [setattr(e, "align", 0) for e in es] and None))
ok("ok_entry_comments", "a comment on each entry", with_zip(lambda es: [setattr(e, "comment", b"note") for e in es] and None))
ok("ok_reversed", "the records in reverse order", with_zip(lambda es: es.reverse()))
ok("ok_directory_order", "the directory in another order than the data", with_zip(lambda es: {"order": es[::-1]}))
ok("ok_all_deflated", "every record deflated, storages too", with_zip(lambda es: [setattr(e, "method", 8) for e in es] and None))
ok("ok_all_stored", "no record deflated, source neither", with_zip(lambda es: [setattr(e, "method", 0) for e in es] and None))
ok("ok_deflate_stored_blocks", "source deflated into stored blocks", with_zip(lambda es: setattr(find(es, "code/__torch__.py"), "raw", deflated(find(es, "code/__torch__.py").data, 0))))
ok("ok_folder_entries", "entries for the folders", with_zip(lambda es: [es.append(Entry(n, b"", flags=0x0800)) for n in ("m/", "m/data/", "m/code/")] and None))
ok("ok_gaps", "unused bytes between the records", with_zip(lambda es: [setattr(e, "gap", b"#" * 37) for e in es] and None))
ok("ok_other_folder", "another folder name, not ASCII", lambda: top("modèle", small()))
ok("ok_long_folder", "a folder name of 200 characters", lambda: top("m" * 200, small()))
ok("ok_no_byteorder", "no byteorder record, as before 2.1", lacking("byteorder"))
ok("ok_no_serialization_id", "no serialization id, as before 2.1", lacking(".data/serialization_id"))
ok("ok_extra_files", "extra files, one of them named like code", lambda: extras({"extra/notes.txt": b"hi", "extra/code.py": b"class ("}))
ok("ok_debug_pkl_garbage", "the source's debug record is garbage", lambda: extras({"code/__torch__.py.debug_pkl": b"\xff\xfe garbage"}), must=EITHER)
ok("ok_unused_code", "a source file that nothing refers to, and that would not parse", lambda: extras({"code/__torch__/unused.py": b"class ((("}), must=EITHER)
ok("ok_unused_storage", "a storage record that nothing refers to", lambda: extras({"data/99": floats(1)}))
ok("ok_storage_longer", "a storage record longer than numel says", lambda: storage_bytes(b"abcdefgh"), must=EITHER)
ok("ok_trailing_bytes", "bytes after the end record", lambda: small().bytes(tail=b"\0" * 100), must=EITHER)
ok("ok_prefix_shifted", "bytes before the archive, offsets relative to its start", lambda: small().bytes(prefix=b"#!/bin/sh\n" * 5), must=EITHER)
ok("ok_prefix_counted", "bytes before the archive, offsets counted from the file's start", lambda: small().bytes(prefix=b"#!/bin/sh\n" * 5, shift_offsets=True), must=EITHER)
ok("ok_comment_with_end", "a comment that holds an end record of its own (of another directory)", lambda: small().bytes(comment=b"xx" + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 0, 0, 0, 0, 0)), must=EITHER)
ok("ok_comment_longest", "a comment of 65,535 bytes", lambda: small().bytes(comment=b"c" * 65535), must=EITHER)
ok("ok_big_endian", "byteorder big, the storages written so", lambda: big_endian(), must=EITHER)
ok("ok_rich_all_deflated", "the rich model with every record deflated", lambda: all_deflated(rich()), "base_rich")
ok("ok_many_records", "20,000 small unused records", lambda: extras({"extra/%d" % i: b"x" for i in range(20000)}))
ok("ok_version_10", "version 10, the newest that PyTorch reads", version("10\n"))
ok("ok_version_no_newline", "the version without its newline", version("3"))


def extras(d):
    m = small()
    m.extra.update(d)
    return m.bytes()


def storage_bytes(more):
    m = small()
    m.tensors["0"] += more
    return m.bytes()


def big_endian():
    m = small()
    m.byteorder = "big"
    m.tensors = {k: struct.pack(">%df" % (len(v) // 4), *struct.unpack("<%df" % (len(v) // 4), v)) for k, v in m.tensors.items()}
    return m.bytes()


def all_deflated(m):
    es = m.entries()
    for e in es:
        e.method = 8
    return zip_bytes(es)


# ================================================================ pickle

def raw_pickle(b, record="data_pkl"):
    def make():
        m = small()
        setattr(m, record, b() if callable(b) else b)
        return m.bytes()
    return make


USE_LEN = SMALL_BODY[:-1] + ["v = self.extra", "return torch.add(_0, torch.len(v))"]


def attr(value, type="int", name=None, body=None):
    """small() with the value of k replaced, or, if of another type, with an attribute `extra`."""
    if name is None:
        name = "k" if type == "int" else "extra"
        body = body or (USE_LEN if type.startswith(("List", "Dict")) else None)

    def make():
        v = value() if callable(value) else value
        attrs = [a for a in SMALL_ATTRS if not a.startswith(name + " ")] + ["%s : %s" % (name, type)]
        m = small(attrs, body)
        m.data.state[name] = v
        return m.bytes()
    return make


def pk(name, about, b, names=("data.pkl",), must=ERR, base=None, **lim):
    case("pickle_" + name, "pickle", must, about, list(names), raw_pickle(b), base, **lim)


def good():
    return pickle(small().data)


pk("empty", "data.pkl is empty", b"")
pk("stop_only", "data.pkl is PROTO 2, STOP", b"\x80\x02.")
pk("no_stop", "STOP is missing", lambda: good()[:-1])
pk("cut_middle", "data.pkl ends within", lambda: good()[:len(good()) // 2])
pk("cut_string", "data.pkl ends within a string", lambda: good()[:good().index(b"weight") + 2])
pk("trailing", "bytes follow STOP", lambda: good() + b"\x80\x02N.", must=EITHER)
pk("no_proto", "no PROTO opcode", lambda: good()[2:], must=EITHER)
pk("proto_6", "protocol 6", lambda: b"\x80\x06" + good()[2:])
pk("proto_255", "protocol 255", lambda: b"\x80\xff" + good()[2:])
pk("proto_0_text", "protocol 0 opcodes", b"(dp0\nS'k'\np1\nI2\ns.")
pk("proto_4_frame", "protocol 4 with a FRAME longer than the record", lambda: b"\x80\x04\x95" + struct.pack("<Q", 1 << 40) + good()[2:])
pk("proto_5", "protocol 5 with out-of-band buffers", lambda: b"\x80\x05\x97\x98.")
pk("bytearray8_huge", "BYTEARRAY8 of 2^62 bytes", b"\x80\x05\x96" + struct.pack("<Q", 1 << 62) + b"x.")
pk("opcode_unknown", "an opcode that does not exist", b"\x80\x02\xff.")
pk("opcode_zero", "opcode 0", b"\x80\x02\x00.")
pk("opcode_ext1", "EXT1: the extension registry", b"\x80\x02\x82\x01.")
pk("opcode_inst", "INST os system", b"\x80\x02(X\x0d\0\0\0touch pwned_1ios\nsystem\n.")
pk("opcode_obj", "OBJ: calls a class", b"\x80\x02(" + glob("os", "system") + dump("touch pwned") + b"o.")
pk("opcode_newobj_ex", "NEWOBJ_EX of a class of ours", lambda: b"\x80\x04" + glob("__torch__", "M") + b")}\x92.")
pk("stack_global", "STACK_GLOBAL os.system, REDUCE", b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0btouch pwned\x85R.")
pk("top_not_object", "the top value is a number", pickle(5))
pk("top_none", "the top value is None", pickle(None))
pk("top_tuple", "the top value is a tuple of the model", lambda: pickle((small().data,)))
pk("top_two", "two values are left on the stack", lambda: good()[:-1] + b"N.", must=EITHER)
pk("top_class", "the top value is a class, not an object", b"\x80\x02" + glob("__torch__", "M") + b".")
pk("top_string_class", "the top value is a text", pickle("__torch__.M"))
for n, b in (("pop", b"0"), ("tuple1", b"\x85"), ("tuple2", b"N\x86"), ("tuple3", b"N\x87"), ("tuple", b"t"), ("append", b"Na"), ("appends", b"e"), ("setitem", b"Ns"),
             ("setitems", b"u"), ("reduce", b"NR"), ("build", b"Nb"), ("newobj", b")\x81"), ("binpersid", b"Q"), ("binput", b"q\0"), ("dup", b"2"), ("stop", b""), ("list", b"l"), ("dict", b"d")):
    pk("underflow_" + n, "the stack is too short for " + n.upper(), b"\x80\x02" + b + b".")
pk("mark_above_stack", "TUPLE1 eats the values that a MARK stood on, then TUPLE", b"\x80\x02NN(\x850\x85t.")
pk("mark_popped", "values below a MARK are popped before TUPLE", b"\x80\x02NNN(000t.")
pk("setitems_odd", "SETITEMS with a key but no value", b"\x80\x02}(" + dump("a") + b"u.")
pk("setitems_odd_3", "SETITEMS with three values", b"\x80\x02}(" + dump("a") + b"NNu.")
pk("dict_odd", "DICT with a key but no value", b"\x80\x02(" + dump("a") + b"d.")
pk("setitems_on_list", "SETITEMS on a list", b"\x80\x02](" + dump("a") + b"Nu.")
pk("appends_on_int", "APPENDS on a number", b"\x80\x02K\x01(Ne.")
pk("build_on_int", "BUILD on a number", b"\x80\x02K\x01}b.")
pk("build_no_dict", "the state is a number", lambda: b"\x80\x02" + glob("__torch__", "M") + b")\x81K\x05b.")
pk("build_list", "the state is a list", lambda: b"\x80\x02" + glob("__torch__", "M") + b")\x81](K\x05eb.")
pk("build_twice", "BUILD twice on one object", lambda: good()[:-1] + dump({"k": 7}) + b"b.", must=EITHER)
pk("build_never", "the object is made but never filled", lambda: b"\x80\x02" + glob("__torch__", "M") + b")\x81.")
pk("newobj_args", "NEWOBJ with arguments", lambda: pickle(Obj("__torch__.M", small().data.state, args=dump((1, 2)))), must=EITHER)
pk("newobj_no_class", "NEWOBJ on a number", b"\x80\x02K\x01)\x81.")
pk("reduce_int", "REDUCE of a number", b"\x80\x02K\x01)R.")
pk("reduce_string", "REDUCE of a text", b"\x80\x02" + dump("os.system") + dump(("touch pwned",)) + b"R.")
pk("reduce_no_tuple", "REDUCE with arguments that are no tuple", b"\x80\x02" + glob("collections", "OrderedDict") + b"K\x01R.")
pk("reduce_object", "REDUCE of an object", lambda: good()[:-1] + b")R.")
pk("memo_missing", "BINGET of an entry never put", b"\x80\x02h\x07.")
pk("memo_missing_long", "LONG_BINGET of entry 2^32 - 1", b"\x80\x02j\xff\xff\xff\xff.")
pk("memo_gap", "BINGET of an entry between two that were put", b"\x80\x02Nq\0Nq\x0500h\x03.")
pk("memo_put_huge", "LONG_BINPUT into entry 2^32 - 1", lambda: good()[:-1] + b"r\xff\xff\xff\xff.", must=EITHER)
pk("memo_put_huge_many", "LONG_BINPUT into 1,000 far entries", lambda: good()[:-1] + b"".join(b"r" + struct.pack("<I", (1 << 32) - 1 - i * 4000000) for i in range(1000)) + b".", must=EITHER)
pk("memo_get_text", "GET with a text index of 30 digits", b"\x80\x02g" + b"9" * 30 + b"\n.")
pk("memo_put_negative", "PUT with a negative text index", b"\x80\x02Np-1\n.")
pk("long1_255", "LONG1 of 255 bytes", b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".")
pk("long4_huge", "LONG4 of 2^31 - 1 bytes", b"\x80\x02\x8b\xff\xff\xff\x7f" + b"\1" * 50 + b".")
pk("long4_negative", "LONG4 of -1 bytes", b"\x80\x02\x8b\xff\xff\xff\xff.")
pk("long_text_huge", "LONG in decimal, a million digits", b"\x80\x02L" + b"9" * 1000000 + b"L\n.")
pk("int_text_bad", "INT with no digits", b"\x80\x02Ixyz\n.")
pk("string_beyond", "BINUNICODE of 2^32 - 1 bytes", b"\x80\x02X\xff\xff\xff\xffabc.")
pk("string8_beyond", "BINUNICODE8 of 2^63 bytes", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 63) + b"abc.")
pk("bytes_negative", "BINSTRING of -1 bytes", b"\x80\x02T\xff\xff\xff\xffabc.")
pk("global_no_newline", "GLOBAL without its line ends", b"\x80\x02c__torch__ M.")
pk("global_empty", "GLOBAL of empty names", b"\x80\x02c\n\n.")
pk("global_long", "GLOBAL of 10 MB names", b"\x80\x02c" + b"a" * 5000000 + b"\n" + b"b" * 5000000 + b"\n.")
pk("global_binary", "GLOBAL of bytes that are no UTF-8", b"\x80\x02c\xff\xfe\n\x80\0\n)R.")
pk("pers_text", "PERSID, the text form", b"\x80\x02Pstorage\n.")

CALLS = [("os_system", "os", "system", ("touch pwned",)), ("posix_system", "posix", "system", ("touch pwned",)), ("nt_system", "nt", "system", ("touch pwned",)),
         ("subprocess_run", "subprocess", "run", (["touch", "pwned"],)), ("subprocess_popen", "subprocess", "Popen", (["touch", "pwned"],)),
         ("builtins_eval", "builtins", "eval", ("open('pwned','w')",)), ("builtins_exec", "builtins", "exec", ("open('pwned','w')",)),
         ("builtins_getattr", "builtins", "getattr", ("x", "__class__")), ("builtins_open", "builtins", "open", ("pwned", "w")),
         ("py2_eval", "__builtin__", "eval", ("open('pwned','w')",)), ("importlib", "importlib", "import_module", ("os",)), ("runpy", "runpy", "_run_code", ("open('pwned','w')", {})),
         ("torch_load", "torch.serialization", "load", ("pwned",)), ("torch_hub", "torch.hub", "load", ("x", "y")), ("torch_storage_file", "torch", "FloatStorage.from_file", ("pwned", True, 10)),
         ("torch_load_library", "torch.ops", "load_library", ("pwned.so",)), ("dotted_name", "torch", "serialization.os.system", ("touch pwned",)),
         ("numpy_load", "numpy", "load", ("pwned",)), ("marshal", "marshal", "loads", ("x",)), ("pip_main", "pip", "main", (["install", "x"],))]
for n, mod, fn, args in CALLS:
    case("call_" + n, "pickle", ERR, "an attribute is the result of a call of %s.%s" % (mod, fn), ["data.pkl", fn.split(".")[-1]], attr(reduce(mod, fn, args)))
case("call_in_constants", "pickle", ERR, "constants.pkl calls os.system", ["constants.pkl", "system"],
     raw_pickle(lambda: b"\x80\x02" + dump((reduce("os", "system", ("touch pwned",)),)) + b".", "constants_pkl"))
case("call_popped", "pickle", ERR, "data.pkl calls os.system, drops the result, then is right", ["data.pkl", "system"],
     raw_pickle(lambda: b"\x80\x02" + reduce("os", "system", ("touch pwned",)).code + b"0" + good()[2:]))
case("call_build", "pickle", ERR, "BUILD with a state on a module's global", ["data.pkl"], attr(Raw(glob("os", "environ") + dump({"PATH": "x"}) + b"b")))
case("call_newobj", "pickle", ERR, "NEWOBJ of subprocess.Popen", ["data.pkl", "Popen"], attr(Raw(glob("subprocess", "Popen") + dump((["touch", "pwned"],)) + b"\x81")))

DEEP = 1000000
case("deep_tuples", "pickle", ERR, "a tuple nested a million times", ["data.pkl|k"], attr(Raw(b")" + b"\x85" * DEEP)))
case("deep_lists", "pickle", ERR, "a list nested a million times", ["data.pkl|k"], attr(Raw(b"](" * DEEP + b"]" + b"e" * DEEP)))
case("deep_dicts", "pickle", ERR, "a dict nested 300,000 times", ["data.pkl|k"], attr(Raw(b"}(K\1" * 300000 + b"N" + b"u" * 300000)))
case("deep_marks", "pickle", ERR, "a million MARKs", ["data.pkl"], raw_pickle(b"\x80\x02" + b"(" * DEEP + b"."))
case("deep_objects", "pickle", ERR, "an object nested 200,000 times in itself's attribute", ["data.pkl|k"],
     attr(lambda: Raw(b"".join([glob("__torch__", "M") + b")\x81}X\1\0\0\0k"] * 200000) + b"N" + b"sb" * 200000)))
case("deep_reduce", "pickle", ERR, "restore_type_tag nested 100,000 times", ["data.pkl|k"],
     attr(lambda: Raw(glob("torch.jit._pickle", "restore_type_tag") * 100000 + b"]" + (dump("List[int]") + b"\x86R") * 100000)))
case("self_list", "pickle", ERR, "a list that holds itself", ["data.pkl|extra"], attr(Raw(b"]q\x0a(h\x0ae"), "List[int]"))
case("self_dict", "pickle", ERR, "a dict that holds itself", ["data.pkl|extra"], attr(Raw(b"}q\x0a(K\1h\x0au"), "Dict[int, int]"))
case("self_object", "pickle", ERR, "a model whose number is the model itself", ["k"], raw_pickle(
    lambda: b"\x80\x02" + glob("__torch__", "M") + b")\x81q\0}(" + b"".join(dump(k) + dump(v) for k, v in small().data.state.items() if k != "k") + dump("k") + b"h\0ub."))
case("self_tuple_any", "pickle", EITHER, "an attribute of type Any: a list that holds itself", ["k|Any"],
     attr(Raw(b"]q\x0a(h\x0ae"), "Any", "extra"), "base_small")
case("laughs_tuple", "pickle", ERR, "pairs of pairs shared through the memo, 60 deep, where a number is due", ["k"],
     attr(Raw(b")" + b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60)))))
case("laughs_list", "pickle", ERR, "lists of the same list twice, 60 deep, where List[int] is due", ["data.pkl|extra"],
     attr(Raw(b"(" * 60 + b"]q\0" + b"".join(b"h" + bytes([i]) + b"lq" + bytes([i + 1]) for i in range(60))), "List[int]"))
case("laughs_string", "pickle", ERR, "the same 64 MB text 200 times in a list where a number is due", ["k"],
     attr(lambda: Raw(b"](" + dump("a" * 4000000) + b"q\1" + b"h\1" * 200 + b"e")))
case("million_elements", "pickle", SAME, "a list of a million numbers", [], attr(lambda: Typed(list(range(200)) * 5000, "List[int]"), "List[int]", "extra"), "base_small")
case("million_memo", "pickle", SAME, "a million memo entries", [], attr(lambda: Raw(b"](" + b"".join(b"K\1r" + struct.pack("<I", i) for i in range(1000000)) + b"e"), "List[int]", "extra"), "base_small")
case("string_not_utf8", "pickle", EITHER, "a text attribute that is no UTF-8", ["data.pkl|utf"], attr(b"\xff\xfe\xc0\x80", "str", "extra"))
case("string_surrogates", "pickle", EITHER, "a text attribute with lone surrogates", ["data.pkl|utf"], attr("\ud800", "str", "extra"))
case("key_not_utf8", "pickle", ERR, "an attribute's name is no UTF-8", ["data.pkl|utf|attribute"], raw_pickle(lambda: pickle(Obj("__torch__.M", {**small().data.state, b"\xff\xfe": 1}))))
case("key_not_text", "pickle", ERR, "an attribute's name is a number", ["data.pkl|attribute"], raw_pickle(lambda: pickle(Obj("__torch__.M", {**small().data.state, 5: 1}))))

# ---------------------------------------------------------------- types of values

case("class_unknown", "pickle", ERR, "an object of a class that no source defines", ["Nope"], attr(Obj("__torch__.Nope", {"a": 1})))
case("class_unknown_file", "pickle", ERR, "an object of a class in a file that is not there", ["nowhere"], attr(Obj("__torch__.nowhere.Nope", {"a": 1})))
case("class_not_torch", "pickle", ERR, "an object of a Python class", ["argparse"], attr(Obj("argparse.Namespace", {"a": 1})))
case("class_top_unknown", "pickle", ERR, "the model's class is not in the source", ["Other"], raw_pickle(lambda: pickle(Obj("__torch__.Other", small().data.state))))
case("class_path_tricks", "pickle", ERR, "a class name with path tricks", ["etc|name"], attr(Obj("__torch__.../../etc.Passwd", {"a": 1})))
case("class_slash", "pickle", ERR, "a class name with slashes", ["etc|name"], attr(Raw(glob("__torch__./etc/passwd", "X") + b")\x81}b")))
case("attr_missing", "pickle", ERR, "a declared attribute has no value", ["bias"], raw_pickle(lambda: pickle(Obj("__torch__.M", {k: v for k, v in small().data.state.items() if k != "bias"}))))
case("attr_extra", "pickle", EITHER, "a value for an attribute that is not declared", ["surprise"], raw_pickle(lambda: pickle(Obj("__torch__.M", {**small().data.state, "surprise": 1}))))
case("attr_twice", "pickle", EITHER, "an attribute is given twice", ["k"], raw_pickle(lambda: b"\x80\x02" + glob("__torch__", "M") + b")\x81" + dump(small().data.state)[:-1] + dump("k") + dump(2) + b"ub."))
for n, t, v in (("int_for_tensor", "Tensor", 5), ("none_for_tensor", "Tensor", None), ("str_for_int", "int", "5"), ("float_for_int", "int", 2.5), ("bool_for_int", "int", True), ("int_for_float", "float", 2),
                ("int_for_str", "str", 5), ("int_for_bool", "bool", 1), ("list_for_tuple", "Tuple[int, int]", [1, 2]), ("tuple_short", "Tuple[int, int, int]", (1, 2)), ("tuple_long", "Tuple[int]", (1, 2)),
                ("dict_for_list", "List[int]", Typed({"a": 1}, "Dict[str, int]")), ("list_of_str_for_int", "List[int]", Typed(["a"], "List[str]")), ("mixed_list", "List[int]", Typed([1, "a"], "List[int]")),
                ("none_for_int", "int", None), ("str_for_optional", "Optional[int]", "x"), ("dict_key", "Dict[str, int]", Typed({1: 1}, "Dict[str, int]")), ("tensor_for_int", "int", Tensor("1", (3,))),
                ("list_keys", "Dict[str, int]", Raw(b"}(]K\1u")), ("other_class", "__torch__.M", 5), ("device_bad", "Device", Raw(glob("torch", "device") + dump(("toaster:99",)) + b"R"))):
    case("type_" + n, "pickle", EITHER if n in ("int_for_float", "int_for_bool", "bool_for_int") else ERR, "an attribute of type %s has a wrong value: %s" % (t, n.replace("_", " ")), ["extra|toaster|key|__torch__.M"], attr(v, t, "extra", SMALL_BODY[:-1] + ["v = self.extra", "return _0"]))
case("type_tag_bad", "pickle", ERR, "a type tag that is no type", ["List[|type"], attr(Typed([1], "List[")))
case("type_tag_unknown", "pickle", ERR, "a type tag of an unknown class", ["Nope"], attr(Typed([1], "List[__torch__.Nope]"), "List[int]"))
case("type_tag_deep", "pickle", ERR, "a type tag nested 100,000 times", ["type"], attr(lambda: Typed([1], "List[" * 100000 + "int" + "]" * 100000), "List[int]"))
case("type_tag_int", "pickle", ERR, "a type tag that is a number", ["type"], attr(Typed([1], 5), "List[int]"))
case("type_tag_on_int", "pickle", ERR, "a type tag on a number", ["type"], attr(Typed(1, "List[int]"), "List[int]"))
case("intlist_of_str", "pickle", ERR, "build_intlist of texts", ["data.pkl|int"], attr(Raw(glob("torch.jit._pickle", "build_intlist") + dump((["a"],)) + b"R"), "List[int]"))
case("tensorlist_of_ints", "pickle", ERR, "build_tensorlist of numbers", ["data.pkl|tensor"], attr(Raw(glob("torch.jit._pickle", "build_tensorlist") + dump(([1],)) + b"R"), "List[Tensor]"))
case("ids_tensor", "pickle", ERR, "build_tensor_from_id without a tensor table", ["data.pkl|tensor"], attr(Raw(glob("torch.jit._pickle", "build_tensor_from_id") + dump((3,)) + b"R"), "Tensor"))


def setstate(body, more="", state=(1,)):
    cls = ("class B:\n  x : int\n  def __getstate__(self: __torch__.B) -> Tuple[int]:\n    x = self.x\n    return (x,)\n  def __setstate__(self: __torch__.B,\n    s: Tuple[int]) -> NoneType:\n"
           + "".join("    %s\n" % b for b in body) + "    return None\n" + more)

    def make():
        m = small(SMALL_ATTRS + ["b : __torch__.B"], more=cls)
        m.data.state["b"] = Obj("__torch__.B", state)
        return m.bytes()
    return make


LOOP = ["a = True", "n = 0", "while a:", "  n = torch.add(n, 1)", "self.x = n"]
case("setstate_endless", "program", STOP, "__setstate__ never ends, at load", ["__setstate__"], setstate(LOOP), seconds=6)
case("setstate_raises", "program", ERR, "__setstate__ raises", ["my words"], setstate(['ops.prim.RaiseException("my words")', "self.x = 1"]))
case("setstate_no_assign", "pickle", ERR, "__setstate__ leaves an attribute without value", ["x"], setstate(["pass"]))
case("setstate_wrong_state", "pickle", ERR, "the state is not what __setstate__ takes", ["__setstate__|B"], setstate(["self.x = (s)[0]"], state=("text",)))
case("setstate_recursive", "program", ERR, "__setstate__ calls itself", ["recurs|__setstate__"], setstate(["self.x = 1", "_0 = (self).__setstate__(s, )"]))
case("setstate_allocates", "resource", ERR, "__setstate__ asks for 200 GB", ["memory|alloc|bytes"], setstate(["t = torch.zeros([50000000000])", "self.x = torch.size(t, 0)"]), as_mb=4096)

# ================================================================ storages and tensors


def tensor(about_name, about, names, must=ERR, **kw):
    t = dict(key="0", sizes=(2, 3))
    t.update(kw)

    def make():
        m = small()
        m.data.state["weight"] = Tensor(**t)
        return m.bytes()
    case("tensor_" + about_name, "storage", must, about, names, make)


F = Raw(glob("torch", "FloatStorage"))
tensor("key_missing", "a storage that has no record", ["data/9"], key="9")
tensor("key_dotdot", "storage key ../data.pkl", ["data.pkl|key"], key="../data.pkl")
tensor("key_absolute", "storage key /etc/passwd", ["passwd"], key="/etc/passwd")
tensor("key_deep", "storage key ../../../../etc/passwd", ["passwd"], key="../../../../etc/passwd")
tensor("key_empty", "storage key of no letters", ["data/|key"], key="")
tensor("key_nul", "storage key with a NUL", ["data/0|key"], key="0\0x")
tensor("key_number", "storage key is a number, not text", ["key|storage"], must=EITHER, key=0)
tensor("key_long", "storage key of a million letters", ["key|storage|data/"], key="a" * 1000000)
tensor("dtype_unknown", "a storage class that does not exist", ["NopeStorage"], dtype="Nope")
tensor("dtype_not_storage", "a storage class that is another global", ["storage|nn.Module|Module"], pid=("storage", Raw(glob("torch.nn", "Module")), "0", "cpu", 6))
tensor("dtype_text", "the storage class is a text", ["storage"], pid=("storage", "FloatStorage", "0", "cpu", 6))
tensor("dtype_wider", "double storage on a record of 6 floats", ["data/0"], dtype="Double")
tensor("device_unknown", "device 'toaster'", ["toaster"], device="toaster")
tensor("device_cuda_99", "device 'cuda:99'", ["cuda"], must=EITHER, device="cuda:99")
tensor("device_empty", "device of no letters", ["device"], device="")
tensor("device_meta", "device 'meta'", ["meta"], must="error or any result", device="meta")
tensor("device_long", "device of a million letters", ["device"], device="cpu" * 300000)
tensor("pid_not_tuple", "the persistent id is a text", ["persistent|storage"], pid="storage")
tensor("pid_number", "the persistent id is a number", ["persistent|storage"], pid=7)
tensor("pid_none", "the persistent id is None", ["persistent|storage"], pid=None, args=(Raw(b"NQ"), 0, (2, 3), (3, 1), False, Raw(b"N")))
tensor("pid_empty", "the persistent id is an empty tuple", ["persistent|storage"], pid=())
tensor("pid_short", "the persistent id lacks its numel", ["persistent|storage"], pid=("storage", F, "0", "cpu"))
tensor("pid_long", "the persistent id has a sixth field", ["persistent|storage"], must=EITHER, pid=("storage", F, "0", "cpu", 6, None))
tensor("pid_kind", "the persistent id is of kind 'module'", ["module|persistent"], pid=("module", F, "0", "cpu", 6))
tensor("pid_numel_text", "numel is a text", ["numel|storage|persistent"], pid=("storage", F, "0", "cpu", "6"))
tensor("pid_numel_float", "numel is 6.5", ["numel|storage|persistent"], pid=("storage", F, "0", "cpu", 6.5))
tensor("numel_negative", "numel -1", ["data/0|numel"], numel=-1)
tensor("numel_min", "numel -2^63", ["data/0|numel"], numel=-2**63)
tensor("numel_2_62", "numel 2^62", ["data/0"], numel=1 << 62)
tensor("numel_wraps", "numel 2^62 + 6: times 4 wraps to 24", ["data/0"], numel=(1 << 62) + 6)
tensor("numel_more", "numel 7 on a record of 6", ["data/0"], numel=7)
tensor("numel_leak", "numel 10^9 on a record of 6, the second row 4 GB further on", ["data/0"], numel=10**9, strides=(999999000, 1))
tensor("numel_leak_near", "numel 60 on a record of 6, the second row 200 bytes further on", ["data/0"], numel=60, strides=(50, 1))
tensor("from_type_v2", "_rebuild_from_type_v2 without the globals that it looks up", ["_rebuild_from_type_v2"], func=("torch._tensor", "_rebuild_from_type_v2"), args=(1, 2))
tensor("numel_less", "numel 3 where the tensor takes 6", ["data/0|storage"], numel=3)
tensor("numel_zero", "numel 0 where the tensor takes 6", ["data/0|storage"], numel=0)
tensor("offset_negative", "storage offset -1", ["offset"], offset=-1)
tensor("offset_beyond", "storage offset 1: one element too far", ["offset|data/0"], offset=1)
tensor("offset_wraps", "storage offset 2^62", ["offset"], offset=1 << 62)
tensor("offset_text", "storage offset is a text", ["offset|tensor"], offset="0")
tensor("sizes_negative", "sizes (-2, 3)", ["size"], args=(Raw(dump(("storage", F, "0", "cpu", 6)) + b"Q"), 0, (-2, 3), (3, 1), False, Raw(b"N")))
tensor("sizes_both_negative", "sizes (-2, -3): their product is right", ["size"], args=(Raw(dump(("storage", F, "0", "cpu", 6)) + b"Q"), 0, (-2, -3), (3, 1), False, Raw(b"N")))
tensor("sizes_overflow", "sizes (2^32, 2^32): the product wraps to 0", ["size|overflow"], sizes=(1 << 32, 1 << 32), numel=6)
tensor("sizes_2_63", "sizes (2^62, 4), strides 0", ["size|overflow"], sizes=(1 << 62, 4), strides=(0, 0), numel=6)
tensor("sizes_expanded", "sizes (2^40,), stride 0: no memory, but forward adds to it", ["size|memory|bias|shape"], sizes=(1 << 40,), strides=(0,), numel=6)
tensor("sizes_beyond", "sizes (200, 300) on 6 elements", ["size|storage|data/0"], sizes=(200, 300), numel=6)
tensor("strides_negative", "strides (-3, 1)", ["stride"], strides=(-3, 1))
tensor("strides_beyond", "strides (1000000, 1)", ["stride|storage"], strides=(1000000, 1))
tensor("strides_overflow", "strides (2^62, 2^62)", ["stride|overflow|storage"], strides=(1 << 62, 1 << 62))
tensor("strides_wrap", "strides that wrap around to a small offset", ["stride|overflow|storage"], sizes=(5, 1), strides=(1 << 62, 1), numel=6)
tensor("strides_short", "two sizes, one stride", ["stride"], strides=(1,))
tensor("strides_long", "two sizes, three strides", ["stride"], strides=(3, 1, 1))
tensor("strides_text", "strides of texts", ["stride|tensor"], strides=("3", "1"))
tensor("sizes_list", "sizes as a list, not a tuple", ["size|tensor"], must=EITHER, args=(Raw(dump(("storage", F, "0", "cpu", 6)) + b"Q"), 0, [2, 3], [3, 1], False, Raw(b"N")))
tensor("sizes_zero_huge", "sizes (0, 2^62): no element", ["size|shape|bias"], must=ERR, sizes=(0, 1 << 62), strides=(1 << 62, 1), numel=6)
tensor("dims_many", "100,000 dimensions of size 1", ["dim|size"], must=ERR, sizes=(1,) * 100000, strides=(1,) * 100000, numel=6)
tensor("args_short", "_rebuild_tensor_v2 with three arguments", ["_rebuild_tensor_v2|data.pkl"], args=(Raw(dump(("storage", F, "0", "cpu", 6)) + b"Q"), 0, (2, 3)))
tensor("args_none", "_rebuild_tensor_v2 without arguments", ["_rebuild_tensor_v2|data.pkl"], args=())
tensor("args_no_storage", "_rebuild_tensor_v2 on a number", ["storage|data.pkl"], args=(5, 0, (2, 3), (3, 1), False, Raw(b"N")))
tensor("func_unknown", "torch._utils._rebuild_nope", ["_rebuild_nope"], func=("torch._utils", "_rebuild_nope"))
tensor("func_parameter", "torch._utils._rebuild_parameter of a number", ["parameter|data.pkl"], func=("torch._utils", "_rebuild_parameter"), args=(5, True, Raw(b"N")))
tensor("sparse", "a sparse tensor with indices out of range", ["sparse|indices"], func=("torch._utils", "_rebuild_sparse_tensor"),
       args=(Raw(glob("torch.serialization", "_get_layout") + dump(("torch.sparse_coo",)) + b"R"), (Tensor("1", (1, 1), (1, 1), numel=3), Tensor("0", (1,), numel=6), (2, 3))))
tensor("meta_dict", "tensor with a metadata dict of unknown keys", ["data.pkl|tensor"], must=EITHER,
       args=(Raw(dump(("storage", F, "0", "cpu", 6)) + b"Q"), 0, (2, 3), (3, 1), False, Raw(b"}"), {"evil": True}))


def quant(name, about, quantizer, names=("quant", ), sizes=(3,), must=ERR, **kw):
    def make():
        m = rich()
        m.data.state["q"] = Tensor("2", sizes, dtype="QUInt8", func=("torch._utils", "_rebuild_qtensor"), quantizer=quantizer, **kw)
        return m.bytes()
    case("quant_" + name, "storage", must, about, ["|".join(names)], make)


PTA, PCA = Raw(glob("torch", "per_tensor_affine")), Raw(glob("torch", "per_channel_affine"))
quant("scheme_unknown", "a quantisation scheme that does not exist", (Raw(glob("torch", "per_nothing")), 0.5, 2), ("per_nothing", "quant"))
quant("short", "scale and zero point are missing", (PTA,))
quant("scale_text", "the scale is a text", (PTA, "0.5", 2))
quant("zero_point_text", "the zero point is a text", (PTA, 0.5, "2"))
quant("zero_point_huge", "zero point 2^40 for quint8", (PTA, 0.5, 1 << 40), ("zero", "quant"))
quant("scale_negative", "scale -1", (PTA, -1.0, 2), ("scale", "quant"), must="error or any result")
quant("scale_nan", "scale NaN", (PTA, float("nan"), 2), ("scale", "quant"), must="error or any result")
quant("axis_beyond", "per channel, axis 7 of one dimension", (PCA, Tensor("1", (3,), dtype="Float"), Tensor("1", (3,), dtype="Float"), 7), ("axis", "quant"))
quant("channels_count", "per channel, 3 scales for a channel of 1", (PCA, Tensor("1", (3,)), Tensor("1", (3,)), 0), ("scale", "quant"), sizes=(1, 3))
quant("none", "the quantiser is None", Raw(b"N"))

# ================================================================ code


def code(text, must=ERR, base="base_plain", **kw):
    """A model whose whole source file is this text (bytes or str)."""
    def make():
        m = plain(**kw)
        t = text() if callable(text) else text
        m.code["__torch__.py"] = t
        return m.bytes()
    return make


def src(name, about, text, names=("__torch__.py",), must=ERR, base="base_plain", **lim):
    case("code_" + name, "code", must, about, list(names), code(text), base, **lim)


def body(name, about, lines, names=(), must=ERR, base="base_plain", kind="code", ret="Tensor", **lim):
    def make():
        ls = lines() if callable(lines) else lines
        return plain(body=ls, ret=ret).bytes()
    case(("code_" if kind == "code" else kind + "_") + name, kind, must, about, list(names) if names else ["__torch__.py|line"], make, base, **lim)


N = 100000
src("empty", "the source file is empty", "", ["M|class"])
src("only_comment", "the source file holds a comment only", "# nothing\n", ["M|class"])
src("binary", "the source file is binary", bytes(range(256)) * 40)
src("not_utf8", "invalid UTF-8 in a text literal", lambda: module([], ['s = "\udcff"', "return torch.tensor([1., 2.])"]).encode("utf-8", "surrogateescape"), must=EITHER)
src("nul", "a NUL between two statements", lambda: module([], ["a = 1", "\0", "return torch.tensor([1., 2.])"]))
src("nul_in_string", "a NUL in a text literal", lambda: module([], ['a = "x\0y"', "return torch.tensor([1., 2.])"]), must=EITHER)
src("bom", "a byte order mark first", lambda: "\ufeff" + module([], ["return torch.tensor([1., 2.])"]), must=EITHER)
src("crlf", "lines end with CR LF", lambda: module([], ["return torch.tensor([1., 2.])"]).replace("\n", "\r\n"), must=EITHER)
src("cr", "lines end with CR", lambda: module([], ["return torch.tensor([1., 2.])"]).replace("\n", "\r"), must=EITHER)
src("tabs", "tabs and spaces mixed in one block", lambda: module([], ["a = 1", "return torch.tensor([1., 2.])"]).replace("    return", "\treturn"), must=EITHER)
src("indent_less", "a statement that fits no open block", lambda: module([], ["a = 1"]) + "   return torch.tensor([1., 2.])\n")
src("indent_more", "a statement indented for no reason", lambda: module([], ["a = 1", "    return torch.tensor([1., 2.])"]))
src("no_newline", "no newline at the end", lambda: module([], ["return torch.tensor([1., 2.])"]).rstrip("\n"), must=EITHER)
src("form_feed", "form feed and vertical tab between statements", lambda: module([], ["a = 1\f\v", "return torch.tensor([1., 2.])"]), must=EITHER)
src("unicode_names", "a variable named with other letters", lambda: module([], ["größe = 1", "return torch.tensor([1., 2.])"]), must=EITHER)
src("confusable", "full-width digits and parentheses", lambda: module([], ["return torch.tensor（[１., 2.]）"]))
body("string_open", "a text literal that does not end", ['a = "abc', "return torch.tensor([1., 2.])"])
body("string_triple_open", "a triple-quoted text that does not end", ['a = """abc', "return torch.tensor([1., 2.])"])
body("string_escape_bad", "escapes cut off: \\x, \\u, \\N", ['a = "\\x"', 'b = "\\u12"', "return torch.tensor([1., 2.])"])
body("string_long", "a text literal of 10 MB", lambda: ['a = "' + "x" * 10000000 + '"', "return torch.tensor([1., 2.])"], must=EITHER)
body("paren_open", "a parenthesis that does not close", ["return torch.tensor([1., 2.]"])
body("paren_wrong", "a parenthesis closed by a bracket", ["return torch.tensor([1., 2.)]"])
body("parens_deep", "100,000 nested parentheses", lambda: ["a = " + "(" * N + "1" + ")" * N, "return torch.tensor([1., 2.])"], must=EITHER)
body("parens_deep_open", "100,000 parentheses that do not close", lambda: ["a = " + "(" * N, "return torch.tensor([1., 2.])"])
body("lists_deep", "100,000 nested list literals", lambda: ["a = " + "[" * N + "1" + "]" * N, "return torch.tensor([1., 2.])"], must=EITHER)
body("calls_deep", "100,000 nested calls", lambda: ["a = " + "torch.neg(" * N + "1" + ")" * N, "return torch.tensor([1., 2.])"], must=EITHER)
body("minus_deep", "100,000 minus signs", lambda: ["a = " + "-" * N + "1", "return torch.tensor([1., 2.])"], must=EITHER)
body("not_deep", "100,000 times not", lambda: ["a = " + "not " * N + "True", "return torch.tensor([1., 2.])"], must=EITHER)
body("sum_long", "100,000 terms in a sum", lambda: ["a = " + " + ".join(["1"] * N), "return torch.tensor([1., 2.])"], must=EITHER)
body("power_long", "100,000 powers, right to left", lambda: ["a = " + " ** ".join(["1"] * N), "return torch.tensor([1., 2.])"], must=EITHER)
body("ternary_long", "50,000 conditional expressions", lambda: ["a = " + "1 if True else " * 50000 + "1", "return torch.tensor([1., 2.])"], must=EITHER)
body("attributes_deep", "100,000 dots", lambda: ["a = self" + ".a" * N, "return torch.tensor([1., 2.])"])
body("index_deep", "100,000 subscripts", lambda: ["a = [1]", "b = a" + "[0]" * N, "return torch.tensor([1., 2.])"])
body("and_or_long", "100,000 times and", lambda: ["a = " + " and ".join(["True"] * N), "return torch.tensor([1., 2.])"], must=EITHER)


def nested(head, n, last, step=" "):
    lines = []
    for i in range(n):
        lines.append(step * i + head)
    return lines + [step * n + last]


body("ifs_deep", "2,000 nested ifs, one space each", lambda: nested("if True:", 2000, "a = 1") + ["return torch.tensor([1., 2.])"], must=EITHER)
body("ifs_deeper", "15,000 nested ifs (112 MB inflated)", lambda: nested("if True:", 15000, "a = 1") + ["return torch.tensor([1., 2.])"], must=EITHER)
body("loops_deep", "1,000 nested loops", lambda: nested("for i in range(1):", 1000, "a = 1") + ["return torch.tensor([1., 2.])"], must=EITHER)
body("elif_long", "30,000 elifs", lambda: ["b = 1", "if torch.eq(b, 0):", "  a = 1"] + ["elif torch.eq(b, 2):", "  a = 2"] * 30000 + ["else:", "  a = 3", "return torch.tensor([1., 2.])"], must=EITHER)
body("statements_many", "100,000 statements", lambda: ["a = 1"] * N + ["return torch.tensor([1., 2.])"], must=EITHER)
body("line_50mb", "one line of 50 MB", lambda: ["a = [" + "1, " * 16700000 + "]", "return torch.tensor([1., 2.])"], must=EITHER, seconds=20, rss_mb=2500)
body("spaces_50mb", "50 MB of blanks between two tokens", lambda: ["a =" + " " * 50000000 + "1", "return torch.tensor([1., 2.])"], must=EITHER)
body("comment_50mb", "a comment of 50 MB", lambda: ["a = 1  # " + "x" * 50000000, "return torch.tensor([1., 2.])"], must=EITHER)
body("name_1mb", "a name of 1 MB", lambda: ["a%s = 1" % ("b" * 1000000), "return torch.tensor([1., 2.])"], must=EITHER)
body("int_1e6_digits", "an integer of a million digits", lambda: ["a = " + "9" * 1000000, "return torch.tensor([1., 2.])"])
body("int_2_63", "the integer 2^63", ["a = 9223372036854775808", "return torch.tensor([1., 2.])"], ["9223372036854775808|range|int"])
body("int_hex_bad", "0x without digits", ["a = 0x", "return torch.tensor([1., 2.])"])
body("float_exponent", "1e with no exponent", ["a = 1e", "return torch.tensor([1., 2.])"])
body("float_huge", "1e999999", ["a = 1e999999", "return torch.tensor([1., 2.])"], must=EITHER)
body("float_digits", "a float of a million digits", lambda: ["a = 0." + "1" * 1000000, "return torch.tensor([1., 2.])"], must=EITHER)
body("args_many", "a call with 100,000 arguments", lambda: ["a = torch.neg(" + "1, " * N + ")", "return torch.tensor([1., 2.])"])
body("keywords_twice", "a keyword argument given twice", ["a = torch.add(torch.ones([2]), 1, alpha=1, alpha=2)", "return a"], ["alpha"])
body("op_unknown", "an operator that does not exist", ["return torch.frobnicate(1)"], ["frobnicate"])
body("op_namespace", "an operator of an unknown namespace", ["return ops.evil.run(1)"], ["evil"])
body("op_python", "a Python builtin", ['return __import__("os").system("touch pwned")'], ["__import__|line"])
body("op_eval", "eval", ['a = eval("1")', "return torch.tensor([1., 2.])"], ["eval"])
body("op_open", "open", ['a = open("pwned", "w")', "return torch.tensor([1., 2.])"], ["open"])
body("op_file", "aten::from_file maps a file", ['return torch.from_file("/etc/passwd", False, 10)'], ["from_file|file"], must="error or any result")
body("op_save", "aten::save writes a file", ['torch.save([1], "pwned")', "return torch.tensor([1., 2.])"], ["save"])
body("arity_more", "one argument too many", ["return torch.neg(torch.ones([1]), 1)"], ["neg"])
body("arity_less", "no arguments", ["return torch.mul()"], ["mul"])
body("type_wrong", "a text where a tensor is due", ['return torch.neg("a")'], ["neg"])
body("return_wrong", "returns a number where a tensor is declared", ["return 1"], ["Tensor|return"])
body("return_none", "no return where a tensor is declared", ["a = 1"], ["return|Tensor"])
body("undefined", "a name that is not defined", ["return nope"], ["nope"])
body("attribute_unknown", "an attribute that is not declared", ["return self.nope"], ["nope"])
body("method_unknown", "a method that does not exist", ["return (self).nope()"], ["nope"])
body("constant_beyond", "CONSTANTS.c999", ["return CONSTANTS.c999"], ["c999|constant"])
body("constant_not_number", "CONSTANTS.cx", ["return CONSTANTS.cx"], ["cx|constant"])
body("constant_huge", "CONSTANTS.c99999999999999999999", ["return CONSTANTS.c99999999999999999999"], ["constant"])
body("constant_minus", "CONSTANTS.c-1", ["return CONSTANTS.c-1"], ["constant|c"])
body("unsupported_try", "try and except", ["try:", "  a = 1", "except:", "  a = 2", "return torch.tensor([1., 2.])"], ["try|line"])
body("unsupported_lambda", "lambda", ["a = lambda x: x", "return torch.tensor([1., 2.])"], ["lambda|line"])
body("unsupported_import", "import os", ["import os", "return torch.tensor([1., 2.])"], ["import|line"])
body("unsupported_yield", "yield", ["yield 1", "return torch.tensor([1., 2.])"], ["yield|line"])
body("unsupported_global", "global", ["global a", "return torch.tensor([1., 2.])"], ["global|line"])
body("break_outside", "break outside a loop", ["break", "return torch.tensor([1., 2.])"], ["break"])
body("assign_type_changes", "a variable changes its type in a branch", ["a = 1", "if True:", '  a = "x"', "else:", "  pass", "return torch.tensor([1., 2.])"], ["a|type"], must=EITHER)
body("annotate_bad", "annotate with a type that does not exist", ["a = annotate(Nope, 1)", "return torch.tensor([1., 2.])"], ["Nope"])
body("annotate_deep", "annotate with a type nested 100,000 times", lambda: ["a = annotate(" + "List[" * N + "int" + "]" * N + ", [])", "return torch.tensor([1., 2.])"], must=EITHER)
body("cast_bad", "unchecked_cast of a number to a tensor", ["a = unchecked_cast(Tensor, 1)", "return torch.neg(a)"], ["cast|Tensor"])
body("uninitialized", "reads an uninitialized value", ["a = uninitialized(Tensor)", "return torch.neg(a)"], ["uninitialized|undefined|Tensor"])
body("uninitialized_list", "reads an uninitialized list", ["a = uninitialized(List[int])", "return torch.tensor(a[0])"], ["uninitialized|List|undefined"])


def file2(name, about, a, b, names, must=ERR, state=None, attrs=(), **lim):
    def make():
        m = plain(attributes=attrs, state=state)
        m.code["__torch__.py"] = a if a is not None else module(attrs, ["return torch.tensor([1., 2.])"])
        if b is not None:
            m.code["__torch__/other.py"] = b
        return m.bytes()
    case("code_" + name, "code", must, about, names, make, "base_plain", **lim)


BODY = ["return torch.tensor([1., 2.])"]
file2("class_inherits_self", "class M inherits from itself", module([], BODY).replace("M(Module)", "M(__torch__.M)"), None, ["M"])
file2("class_inherits_cycle", "A inherits from B, B from A", module(["a : __torch__.A"], BODY) + "class A(__torch__.B):\n  x : int\nclass B(__torch__.A):\n  y : int\n", None, ["A|B"], attrs=["a : __torch__.A"], state={"a": Obj("__torch__.A", {"x": 1})})
file2("class_holds_self", "M has an attribute of type M, filled with itself's kind", module(["m : __torch__.M"], BODY), None, ["M|m"], attrs=["m : __torch__.M"], state={"m": Raw(b"N")})
file2("class_cycle_files", "two files whose classes hold each other",
      module(["o : Optional[__torch__.other.O]"], BODY), "class O(Module):\n  m : Optional[__torch__.M]\n  training : bool\n", ["M|O|recurs"], must=EITHER, attrs=["o : Optional[__torch__.other.O]"], state={"o": None})
file2("class_twice", "class M is defined twice", module([], BODY) + module([], ["return torch.ones([3])"]), None, ["M"])
file2("method_twice", "forward is defined twice", module([], BODY) + "  def forward(self: __torch__.M) -> Tensor:\n    return torch.ones([3])\n", None, ["forward"])
file2("attribute_twice", "an attribute is declared twice with different types", module(["k : int", "k : str"], BODY), None, ["k"], attrs=["k : int"], state={"k": 1})
file2("argument_twice", "a parameter is named twice", module([], BODY, args="x: int=1, x: int=2"), None, ["x"], must=EITHER)
file2("class_no_forward", "class M has no method", "class M(Module):\n  training : bool\n", None, ["forward"])
file2("class_is_function", "M is a function", "def M(x: int) -> int:\n  return x\n", None, ["M"])
file2("forward_attribute", "forward is an attribute, not a method", "class M(Module):\n  training : bool\n  forward : int\n", None, ["forward"], state={"forward": 1}, attrs=["forward : int"])
file2("forward_no_self", "forward has no parameter", "class M(Module):\n  training : bool\n  def forward() -> Tensor:\n    return torch.ones([1])\n", None, ["self|forward"])
file2("forward_self_type", "self is of another type", module([], BODY).replace("self: __torch__.M", "self: int"), None, ["self|int"], must=EITHER)
file2("parameters_bad", "__parameters__ is a number", module([], BODY).replace("__parameters__ = []", "__parameters__ = 5"), None, ["__parameters__|line"])
file2("parameters_unknown", "__parameters__ names what is not there", module([], BODY).replace("__parameters__ = []", '__parameters__ = ["nope", ]'), None, ["nope"], must=EITHER)
file2("type_unknown", "an attribute of an unknown type", module(["a : Nope"], BODY), None, ["Nope"], attrs=["a : Nope"], state={"a": 1})
file2("type_missing_file", "an attribute's class lies in a file that is not there", module(["a : __torch__.gone.G"], BODY), None, ["gone"], attrs=["a : __torch__.gone.G"], state={"a": None})
file2("type_deep", "an attribute's type is nested 100,000 times", module(["a : " + "Optional[" * N + "int" + "]" * N], BODY), None, ["type|nest|line"], must=EITHER, attrs=["a : int"], state={"a": None})
file2("type_empty_tuple", "Tuple[] and List[]", module(["a : List[]"], BODY), None, ["List|type"], attrs=["a : int"], state={"a": None})
file2("type_args", "Dict with one argument", module(["a : Dict[int]"], BODY), None, ["Dict"], attrs=["a : int"], state={"a": None})
file2("recursion_method", "a method calls itself", module([], ["return (self).forward()"]), None, ["recurs"])
file2("recursion_mutual", "two methods call each other", module([], ["return (self).g()"]) + "  def g(self: __torch__.M) -> Tensor:\n    return (self).forward()\n", None, ["recurs"])
file2("recursion_function", "a function calls itself", module([], ["return __torch__.other.f(1, )"]), "def f(x: int) -> Tensor:\n  return __torch__.other.f(x, )\n", ["recurs|f"])
file2("recursion_files", "functions of two files call each other", module([], ["return __torch__.other.f(1, )"]),
      "import __torch__\ndef f(x: int) -> Tensor:\n  return __torch__.g(x, )\n", ["g|recurs|import"])
file2("call_chain", "3,000 functions, each calling the next", module([], ["return __torch__.other.f0(1, )"]),
      "".join("def f%d(x: int) -> Tensor:\n  return __torch__.other.f%d(x, )\n" % (i, i + 1) for i in range(2999)) + "def f2999(x: int) -> Tensor:\n  return torch.tensor([1., 2.])\n", ["f|depth"], must=EITHER)
file2("call_doubling", "40 functions, each calling the next twice: 2^40 if all are inlined", module([], ["return __torch__.other.f0(1, )"]),
      "".join("def f%d(x: int) -> Tensor:\n  if torch.gt(x, 0):\n    a = __torch__.other.f%d(x, )\n  else:\n    a = __torch__.other.f%d(x, )\n  return a\n" % (i, i + 1, i + 1) for i in range(40))
      + "def f40(x: int) -> Tensor:\n  return torch.tensor([1., 2.])\n", ["f|size|inline"], must=EITHER)
file2("default_wrong", "a default value of another type", module([], BODY, args='x: int="a"'), None, ["x|int|str"])
file2("decorator", "an unknown decorator", module([], BODY).replace("  def", "  @os.system\n  def"), None, ["decorator|line"], must=EITHER)
file2("enum_empty", "an enum without members", module(["e : __torch__.E"], BODY) + "class E(Enum):\n  pass\n", None, ["E"], attrs=["e : int"], state={"e": 1})
file2("namedtuple_cycle", "a NamedTuple that holds itself", module(["e : __torch__.E"], BODY) + "class E(NamedTuple):\n  e : __torch__.E\n", None, ["E"], attrs=["e : int"], state={"e": 1})
file2("interface_cycle", "an interface that extends itself", module(["e : __torch__.E"], BODY) + "class E(Interface):\n  def f(self: __torch__.E) -> __torch__.E:\n    pass\n", None, ["E"], must=ERR, attrs=["e : int"], state={"e": 1})


def const(name, about, pkl, names=("constants.pkl",), must=ERR, body=None, tensors=None):
    def make():
        m = plain(body=body or ["return CONSTANTS.c0"])
        m.constants_pkl = pkl
        m.const_tensors = tensors or {}
        return m.bytes()
    case("constants_" + name, "pickle", must, about, list(names), make, "base_plain")


const("not_tuple", "constants.pkl is a number", pickle(5))
const("type", "constant 0 is a text, a tensor is due", pickle(("a",)), ("constant|c0|Tensor"  ,))
const("lacks_record", "constant 0's storage record is missing", pickle((Tensor("0", (3,)),)), ("constants/0",))
const("object", "constant 0 is an object of a class", pickle((Obj("__torch__.Nope", {}),)))
const("from_data", "constants.pkl reads a storage of data/ by a path trick", pickle((Tensor("../data/0", (3,)),)), ("constants",))

# ================================================================ programs that misbehave at run time

I1 = "return torch.tensor([1., 2.])"
body("div_zero", "division of integers by zero", ["a = torch.len(annotate(List[int], []))", "b = torch.floordiv(1, a)", "return torch.tensor([b])"], ["zero|by 0"], kind="program")
body("mod_zero", "remainder of integers by zero", ["a = torch.len(annotate(List[int], []))", "b = torch.remainder(1, a)", "return torch.tensor([b])"], ["zero|modulo"], kind="program")
body("tensor_div_zero", "floor division of an integer tensor by a zero tensor", ["a = torch.zeros([2], dtype=3)", "b = torch.ones([2], dtype=3)", 'return torch.div(b, a, rounding_mode="floor")'], ["zero|ZeroDivision"], kind="program")
body("tensor_mod_zero", "remainder of an integer tensor by zero", ["a = torch.zeros([2], dtype=3)", "b = torch.ones([2], dtype=3)", "return torch.remainder(b, a)"], ["zero|ZeroDivision"], kind="program")
body("min_div_minus_one", "-2^63 // -1", ["a = torch.sub(torch.neg(9223372036854775807), 1)", "b = torch.neg(torch.len([1]))", "c = torch.floordiv(a, b)", "return torch.tensor([c])"], ["overflow"], must="error or any result", kind="program")
body("min_tensor_div_minus_one", "-2^63 // -1 in tensors", ["a = torch.full([2], torch.sub(torch.neg(9223372036854775807), 1), dtype=4)", "b = torch.full([2], -1, dtype=4)", 'return torch.div(a, b, rounding_mode="trunc")'],
     ["overflow"], must="error or any result", kind="program")
body("list_index", "a list index out of range", ["a = [1, 2]", "b = a[torch.len([1, 2, 3, 4, 5])]", "return torch.tensor([b])"], ["range|index"], kind="program")
body("list_index_min", "list index -2^63", ["a = [1, 2]", "b = a[torch.sub(-9223372036854775807, torch.len([1]))]", "return torch.tensor([b])"], ["range|index"], kind="program")
body("list_pop_empty", "pop of an empty list", ["a = annotate(List[int], [])", "b = torch.pop(a)", "return torch.tensor([b])"], ["pop|empty"], kind="program")
body("dict_key", "a dict key that is not there", ['a = {"x": 1}', 'b = a["nope"]', "return torch.tensor([b])"], ["nope|key"], kind="program")
body("string_index", "a text index out of range", ['a = "abc"', "b = a[10]", "return torch.tensor([torch.len(b)])"], ["range|index"], kind="program")
body("list_changes_in_loop", "a list grows while it is iterated (2^20 only)", ["a = [1]", "for i in range(1048576):", "  _0 = torch.append(a, i)", "return torch.tensor([1., 2.])"], [], must=SAME, kind="program", seconds=20, rss_mb=700)
body("none_use", "a None where a value is due", ["a = annotate(Optional[int], None)", "b = unchecked_cast(int, a)", "return torch.tensor([torch.add(b, 1)])"], ["None|int"], kind="program")
body("select_beyond", "select beyond the size", ["return torch.select(torch.ones([2]), 0, 5)"], ["range|index|select"], kind="program")
body("select_dim", "select of dimension 7", ["return torch.select(torch.ones([2]), 7, 0)"], ["dim"], kind="program")
body("index_beyond", "index by a tensor beyond the size", ["i = annotate(List[Optional[Tensor]], [torch.tensor([100])])", "return torch.index(torch.ones([2]), i)"], ["range|index"], kind="program")
body("index_negative", "gather with a negative index", ["return torch.gather(torch.ones([2]), 0, torch.tensor([-5]))"], ["range|index|bounds"], kind="program")
body("scatter_beyond", "scatter_ beyond the size", ["return torch.scatter(torch.ones([2]), 0, torch.tensor([1000000]), 1.)"], ["range|index|bounds"], kind="program")
body("embedding_beyond", "embedding index beyond the table", ["return torch.embedding(torch.ones([2, 3]), torch.tensor([1000000000]))"], ["range|index|embedding"], kind="program")
body("as_strided_beyond", "as_strided beyond the storage", ["return torch.as_strided(torch.ones([2]), [1000000], [1000000])"], ["storage|bounds|as_strided"], kind="program")
body("as_strided_negative", "as_strided with a negative offset", ["return torch.as_strided(torch.ones([2]), [2], [1], -5)"], ["offset|as_strided|bounds"], kind="program")
body("view_negative", "zeros of a negative size", ["return torch.zeros([-1])"], ["negative|-1"], kind="program")
body("view_wrong", "view to another number of elements", ["return torch.view(torch.ones([6]), [4, 2])"], ["view|shape|size"], kind="program")
body("view_two_minus", "view with two -1", ["return torch.view(torch.ones([6]), [-1, -1])"], ["-1|infer|view"], kind="program")
body("view_zero_minus", "view of no element to (-1, 0)", ["return torch.view(torch.ones([0]), [-1, 0])"], ["-1|infer|view|ambiguous"], kind="program")
body("broadcast_wrong", "sizes 2 and 3 added", ["return torch.add(torch.ones([2]), torch.ones([3]))"], ["2|3|size|shape"], kind="program")
body("matmul_wrong", "matrices that do not fit", ["return torch.matmul(torch.ones([2, 3]), torch.ones([4, 5]))"], ["matmul|size|shape"], kind="program")
body("conv_stride_zero", "convolution of stride 0", ["return torch.conv2d(torch.ones([1, 1, 4, 4]), torch.ones([1, 1, 2, 2]), None, [0, 0], [0, 0], [1, 1], 1)"], ["stride|conv"], kind="program")
body("conv_groups_zero", "convolution of 0 groups", ["return torch.conv2d(torch.ones([1, 1, 4, 4]), torch.ones([1, 1, 2, 2]), None, [1, 1], [0, 0], [1, 1], 0)"], ["group|conv"], kind="program")
body("conv_padding_negative", "convolution of padding -5", ["return torch.conv2d(torch.ones([1, 1, 4, 4]), torch.ones([1, 1, 2, 2]), None, [1, 1], [-5, -5], [1, 1], 1)"], ["padding|conv|size"], kind="program")
body("pool_kernel_zero", "pooling with a window of 0", ["return torch.max_pool2d(torch.ones([1, 1, 4, 4]), [0, 0], [1, 1], [0, 0], [1, 1])"], ["kernel|pool"], kind="program")
body("pool_padding_more", "pooling with more padding than window", ["return torch.max_pool2d(torch.ones([1, 1, 4, 4]), [2, 2], [1, 1], [9, 9], [1, 1])"], ["pad|pool"], kind="program")
body("cat_empty", "cat of no tensors", ["return torch.cat(annotate(List[Tensor], []))"], ["cat|empty"], kind="program")
body("stack_dtype_bad", "a dtype number that does not exist", ["return torch.to(torch.ones([1]), 9999)"], ["dtype|9999|type"], kind="program")
body("dtype_negative", "dtype -1", ["return torch.zeros([1], dtype=-1)"], ["dtype|-1|type"], kind="program")
body("layout_bad", "layout 77", ["return torch.zeros([1], dtype=6, layout=77)"], ["layout|77"], kind="program")
body("device_bad", "device of nonsense", ['return torch.zeros([1], dtype=6, layout=0, device=torch.device("nonsense"))'], ["nonsense|device"], kind="program")
body("memory_format_bad", "memory format 55", ["return torch.contiguous(torch.ones([1, 1, 1, 1]), memory_format=55)"], ["memory|format|55"], must="error or any result", kind="program")
body("step_zero", "a slice of step 0", ["return torch.slice(torch.ones([4]), 0, 0, 4, 0)"], ["step"], kind="program")
body("range_step_zero", "range of step 0", ["for i in range(0, 10, 0):", "  a = 1", I1], ["zero|step|range"], must=EITHER, kind="program")
body("arange_inf", "arange to infinity", ["return torch.arange(inf)"], ["arange|inf|range|size"], kind="program")
body("shift_huge", "1 << 1000", ["a = torch.__lshift__(1, 1000)", "return torch.tensor([a])"], ["shift"], must="error or any result", kind="program")
body("raise", "an exception of the program's own", ['ops.prim.RaiseException("my own words")', I1], ["my own words"], kind="program")
body("assert", "a failed assert with its words", ['assert False, "my own words"', I1], ["my own words"], kind="program")
body("format_wrong", "format with too few values", ['a = torch.format("{} {}", 1)', I1], ["format"], must="error or any result", kind="program")
body("percent_wrong", "percent format with the wrong type", ['a = torch.percentFormat("%d", "x")', I1], ["format|%d"], must="error or any result", kind="program")
body("int_of_text", "int('abc')", ['a = int("abc")', "return torch.tensor([a])"], ["abc|int|invalid"], kind="program")
body("item_of_many", "item of two elements", ["a = torch.item(torch.ones([2]))", "return torch.mul(torch.ones([1]), a)"], ["item|scalar|element"], kind="program")
body("svd_nan", "an eigenvalue decomposition of NaN", ["a, b = torch.linalg_eigh(torch.full([3, 3], nan))", "return a"], ["eigh|nan|converge|linalg"], must="error or any result", kind="program")
body("cholesky_singular", "Cholesky of a zero matrix", ["return torch.linalg_cholesky(torch.zeros([3, 3]))"], ["cholesky|positive"], kind="program")
body("multinomial_zero", "multinomial of zero probabilities", ["return torch.multinomial(torch.zeros([3]), 2)"], ["multinomial|prob"], kind="program")
body("inplace_overlap", "add_ in place on an expanded tensor", ["a = torch.expand(torch.ones([1]), [5])", "return torch.add_(a, torch.ones([5]))"], ["overlap|memory|expand"], must="error or any result", kind="program")
body("fork_deep", "one task waits on another it forked (chain of 1)", ["a = torch.ones([1])", I1], [], must=SAME, kind="program")

# ---------------------------------------------------------------- resources: allocation must fail cleanly

R = dict(kind="resource", as_mb=4096, rss_mb=4200, seconds=30)
body("zeros_200gb", "torch.zeros([50000000000])", ["return torch.zeros([50000000000])"], ["memory|alloc|bytes"], **R)
body("zeros_overflow", "a size whose bytes wrap around 2^64", ["return torch.zeros([4611686018427387905])"], ["overflow|size|memory"], **R)
body("zeros_product", "sizes whose product wraps around 2^64", ["return torch.zeros([4294967296, 4294967296, 2])"], ["overflow|size|memory"], **R)
body("repeat_huge", "repeat a million times a million", ["return torch.repeat(torch.ones([1000]), [1000000, 1000000])"], ["memory|alloc|overflow|bytes"], **R)
body("expand_contiguous", "an expanded tensor of 2^50 made contiguous", ["return torch.contiguous(torch.expand(torch.ones([1]), [1125899906842624]))"], ["memory|alloc|bytes"], **R)
body("outer_huge", "an outer product of 10^6 by 10^6", ["a = torch.ones([1000000])", "return torch.outer(a, a)"], ["memory|alloc|bytes"], **R)
body("cat_doubling", "cat with itself, 60 times", ["a = torch.ones([1])", "for i in range(60):", "  a = torch.cat([a, a])", "return a"], ["memory|alloc|bytes"], **R)
body("pad_huge", "pad by 2^60", ["return torch.constant_pad_nd(torch.ones([1]), [1152921504606846976, 0], 0)"], ["memory|alloc|size|overflow|bytes"], **R)
body("string_doubling", "a text doubled 60 times", ['a = "x"', "for i in range(60):", "  a = torch.add(a, a)", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size"], **R)
body("list_doubling", "a list doubled 60 times", ["a = [1]", "for i in range(60):", "  a = torch.add(a, a)", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size"], **R)
body("list_times", "[1] * 2^60", ["a = torch.mul([1], 1152921504606846976)", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size"], **R)
body("list_endless", "a list that grows for ever", ["a = [1]", "for i in range(9223372036854775807):", "  _0 = torch.append(a, i)", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size"], may_run=True, **R)
body("tensors_endless", "a list of tensors that grows for ever", ["a = [torch.ones([1])]", "for i in range(9223372036854775807):", "  _0 = torch.append(a, torch.ones([100000]))", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size|bytes"], may_run=True, **R)
body("dict_endless", "a dict that grows for ever", ["a = {0: 0}", "for i in range(9223372036854775807):", "  a[i] = i", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size"], may_run=True, **R)
body("range_list", "a list of range(2^62)", ["a = [i for i in range(4611686018427387904)]", "return torch.tensor([torch.len(a)])"], ["memory|alloc|length|size"], **R)
body("print_much", "prints a tensor of 10 million elements 3 times", ["print(torch.size(torch.ones([10000000])))", I1], [], must="error or any result", kind="resource")

# ---------------------------------------------------------------- budget: end only when told

B = dict(must=STOP, kind="resource", seconds=6)
body("loop_2_62", "a loop of 2^62 turns", ["a = 0", "for i in range(4611686018427387904):", "  a = torch.__xor__(a, i)", "return torch.tensor([a])"], **B)
body("loop_forever", "while True", ["a = True", "n = 0", "while a:", "  n = torch.__xor__(n, 1)", I1], **B)
body("loop_nothing", "a loop of 2^62 turns with an empty body, which a compiler may drop", ["for i in range(4611686018427387904):", "  pass", I1], **B)
body("loop_tensors", "an endless loop of small tensor operations", ["t = torch.ones([4])", "a = True", "while a:", "  t = torch.mul(t, 1.)", I1], **B)
body("loop_constant", "an endless loop whose inputs are all constant (folding must not hang the load)", ["n = 0", "while torch.lt(n, 9223372036854775807):", "  n = torch.add(n, 1)", "return torch.tensor([n])"], **B)
body("one_long_op", "one operator that takes hours: a sum over 2^50 elements of stride 0", ["return torch.sum(torch.expand(torch.ones([1]), [1125899906842624]))"], **B)


# ================================================================ writing

def write(name, entry, make, folder):
    path = os.path.join(folder, entry["file"])
    for old in (path,):
        if os.path.isdir(old):
            os.rmdir(old)
        elif os.path.lexists(old):
            os.remove(old)
    data = make()
    if data is None:
        return
    if data == "folder":
        os.mkdir(path)
    elif data == "fifo":
        os.mkfifo(path)
    else:
        with open(path, "wb") as f:
            f.write(data)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("dir")
    p.add_argument("--only", help="only the cases whose name holds this text (base_ ones always)")
    p.add_argument("--kind", help="only the cases of this kind, and the bases that they name")
    a = p.parse_args()
    os.makedirs(a.dir, exist_ok=True)
    out, kinds = {}, {}
    bases = {e["base"] for e, _ in CASES.values() if "base" in e and e["kind"] == a.kind}
    for name, (entry, make) in CASES.items():
        if a.kind and entry["kind"] != a.kind and name not in bases:
            continue
        if a.only and a.only not in name and not name.startswith("base_"):
            continue
        try:
            write(name, entry, make, a.dir)
        except Exception as e:
            raise SystemExit("%s: %s: %s" % (name, type(e).__name__, e))
        out[name] = entry
        kinds[entry["kind"]] = kinds.get(entry["kind"], 0) + 1
    with open(os.path.join(a.dir, "expect.json"), "w") as f:
        json.dump(out, f, indent=1, sort_keys=True)
        f.write("\n")
    size = sum(os.path.getsize(os.path.join(a.dir, e["file"])) for e in out.values() if os.path.isfile(os.path.join(a.dir, e["file"])))
    print("%d archives (%s), %.0f MB" % (len(out), ", ".join("%s %d" % kv for kv in sorted(kinds.items())), size / 1e6))


if __name__ == "__main__":
    main()

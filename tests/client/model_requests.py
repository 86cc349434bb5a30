"""Requests made from botocore's models: a plain one for each operation, and all the ways in which it
can break its model. Everything is settled: two runs make the same requests."""
import re

# Tried in this order: the first that fits a string's pattern and length is its plain value.
CANDIDATES = [
    "abc", "a", "1", "12", "abcdefgh", "abcdefghijklmnopqrst", "12345678", "123456789012", "/", "/abc/", "us-east-1",
    "arn:aws:iam::123456789012:role/abc", "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/a/1",
    "arn:aws:acm:ap-northeast-1:123456789012:certificate/12345678-1234-1234-1234-123456789012", "v1",
    "AKIAIOSFODNN7EXAMPLE", "https://example.com/abc", "example.com", "192.0.2.0/24", "192.0.2.1", "a@example.com",
    "12345678-1234-1234-1234-123456789012", "a" * 32, "0" * 40, "{}", "2020-01-01", "#abc", "A" * 20, "abc/def", "abc:def",
]
HOSTILE = ["\x01", "é" * 3, "!", " ", "a b", "'\"<&>", "{"]


def compiled(pattern):
    """The pattern as Python has it, or None: Unicode classes are beyond its re."""
    try:
        return re.compile(pattern) if "\\p{" not in pattern else None
    except re.error:
        return None


def fits(shape, text):
    meta = shape.metadata
    if not meta.get("min", 0) <= len(text) <= meta.get("max", 1 << 30):
        return False
    pattern = compiled(meta["pattern"]) if "pattern" in meta else None
    return pattern is None or pattern.fullmatch(text) is not None


def plain_text(shape):
    if shape.enum:
        return shape.enum[0]
    for text in CANDIDATES + ["a" * shape.metadata.get("min", 0)]:
        if fits(shape, text):
            return text
    return None


def plain(shape, depth=0):
    """A value of @shape with nothing but what it needs; None when none was found."""
    kind = shape.type_name
    if kind in ("string", "character"):
        return plain_text(shape)
    if kind in ("integer", "long"):
        return max(1, shape.metadata.get("min", 1))
    if kind in ("float", "double"):
        return 1.0
    if kind == "boolean":
        return True
    if kind == "timestamp":
        return 1577836800
    if kind == "blob":
        return b"abc"
    if kind == "list":
        one = plain(shape.member, depth + 1)
        return None if one is None else [one] * max(1, min(shape.metadata.get("min", 1), 3))
    if kind == "map":
        key, value = plain(shape.key, depth + 1), plain(shape.value, depth + 1)
        return None if key is None or value is None else {key: value}
    return plain_structure(shape, depth)


def plain_structure(shape, depth=0):
    value = {}
    for name in shape.required_members:
        member = plain(shape.members[name], depth + 1) if depth < 8 else None
        if member is None:
            return None
        value[name] = member
    return value


def broken_values(shape):
    """(what is broken, value) for each constraint of a scalar or list."""
    meta, kind = shape.metadata, shape.type_name
    if kind == "string":
        if shape.enum:
            yield "enumeration", "no-such-value"
        if meta.get("min", 0) > 1:
            yield "least length", "a" * (meta["min"] - 1)
        if "max" in meta and meta["max"] < 5000:
            yield "most length", "a" * (meta["max"] + 1)
        pattern = compiled(meta["pattern"]) if "pattern" in meta else None
        if pattern is not None:
            for text in HOSTILE:
                if meta.get("min", 0) <= len(text) <= meta.get("max", 1 << 30) and not pattern.fullmatch(text):
                    yield "pattern", text
                    break
    elif kind in ("integer", "long"):
        if "min" in meta:
            yield "least value", meta["min"] - 1
        if "max" in meta:
            yield "most value", meta["max"] + 1
    elif kind == "list" and meta.get("max", 1 << 30) <= 250:
        one = plain(shape.member)
        if one is not None:
            yield "most elements", [one] * (meta["max"] + 1)


def broken_requests(shape):
    """(what is broken, request) for an input structure: each required member missing, and each
    constraint of its members and of what they hold, one at a time."""
    whole = plain_structure(shape)
    if whole is None:
        return
    for name in shape.required_members:
        yield f"{name} is missing", {k: v for k, v in whole.items() if k != name}
    for name, member in shape.members.items():
        for what, value in broken_values(member):
            yield f"{name}: {what}", {**whole, name: value}
        if member.type_name == "structure":
            yield from broken_below(whole, name, member, lambda inner: inner)
        elif member.type_name == "list" and member.member.type_name == "structure":
            yield from broken_below(whole, name, member.member, lambda inner: [inner])


def broken_below(whole, name, shape, wrap):
    inner = plain_structure(shape)
    if inner is None:
        return
    for below in shape.required_members:
        yield f"{name}.{below} is missing", {**whole, name: wrap({k: v for k, v in inner.items() if k != below})}
    for below, member in shape.members.items():
        for what, value in broken_values(member):
            yield f"{name}.{below}: {what}", {**whole, name: wrap({**inner, below: value})}

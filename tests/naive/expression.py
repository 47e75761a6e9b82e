"""Slow and obvious: one expression, one lift, Kleene's three values as True, False, None."""

from __future__ import annotations

import ast
import functools
import math
import operator

import numpy as np

OPS = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def evaluate(source, values, schema, defines):
    """values: name → float (NaN unknown). Returns True, False or None."""
    return _truth(_parsed(source), values, schema, defines)


@functools.cache
def _parsed(source):
    return ast.parse(f"({source}\n)", mode="eval").body


def _truth(at, v, schema, defines):
    def sub(x):
        return _truth(x, v, schema, defines)

    match at:
        case ast.BoolOp(op=ast.And()):
            parts = [sub(x) for x in at.values]
            return False if False in parts else None if None in parts else True
        case ast.BoolOp(op=ast.Or()):
            parts = [sub(x) for x in at.values]
            return True if True in parts else None if None in parts else False
        case ast.UnaryOp(op=ast.Not()):
            part = sub(at.operand)
            return None if part is None else not part
        case ast.Call(func=ast.Name(id="certain")):
            return sub(at.args[0]) is True
        case ast.Call(func=ast.Name(id="known")):
            return _known(at.args[0], v, schema, defines)
        case ast.Call(func=ast.Name(id="code" | "once")):
            return _flag(v[ast.unparse(at)])
        case ast.Name() if at.id in defines:
            return evaluate(defines[at.id], v, schema, defines)
        case ast.Name(id="true"):
            return True
        case ast.Name(id="false"):
            return False
        case ast.Name():
            return _flag(v[at.id])
        case ast.Constant():
            return bool(at.value)
        case ast.Compare():
            return _compare(at, v, schema, defines)
    raise AssertionError(ast.dump(at))


def _flag(x):
    return None if math.isnan(x) else x > 0


def _known(at, v, schema, defines):
    if isinstance(at, ast.Name) and at.id not in defines:
        return not math.isnan(v[at.id])
    try:
        return not math.isnan(_number(at, v))
    except AssertionError:
        return _truth(at, v, schema, defines) is not None


def _compare(at, v, schema, defines):
    parts, left = [], at.left
    for op, right in zip(at.ops, at.comparators, strict=True):
        parts.append(_one(left, op, right, v, schema))
        left = right
    return False if False in parts else None if None in parts else True


def _one(left, op, right, v, schema):
    enum = isinstance(left, ast.Name) and left.id in schema and schema[left.id].values
    if enum:
        codes = {value.name: code for code, value in enum.items()}
        items = right.elts if isinstance(right, ast.Tuple) else [right]
        if math.isnan(v[left.id]):
            return None
        found = int(v[left.id]) in [codes[item.id] for item in items]
        return not found if isinstance(op, ast.NotEq | ast.NotIn) else found
    if isinstance(op, ast.In | ast.NotIn):
        parts = [_one(left, ast.Eq(), item, v, schema) for item in right.elts]
        found = True if True in parts else None if None in parts else False
        return found if isinstance(op, ast.In) or found is None else not found
    a, b = _number(left, v), _number(right, v)
    if math.isnan(a) or math.isnan(b):
        return None
    return bool(OPS[type(op)](np.float32(a), np.float32(b)))


def _number(at, v):
    """float32 as the columns are; numbers among themselves are Python's."""
    match at:
        case ast.Constant():
            return float(at.value)
        case ast.Name():
            return np.float32(v[at.id])
        case ast.UnaryOp(op=ast.USub()):
            x = _number(at.operand, v)
            return -x if isinstance(x, float) else np.float32(0) - x
        case ast.Call(func=ast.Name(id="raised")):
            return np.float32(v[f"raised({','.join(ast.unparse(x) for x in at.args)})"])
        case ast.Call(func=ast.Name(id="abs")):
            return np.abs(np.float32(_number(at.args[0], v)))
        case ast.Call(func=ast.Name(id="min" | "max")):
            parts = [np.float32(_number(x, v)) for x in at.args]
            if any(math.isnan(x) for x in parts):
                return np.float32(math.nan)
            return min(parts) if at.func.id == "min" else max(parts)
        case ast.BinOp():
            a, b = _number(at.left, v), _number(at.right, v)
            if not (type(a) is float and type(b) is float):
                a, b = np.float32(a), np.float32(b)
            with np.errstate(all="ignore"):
                match at.op:
                    case ast.Add():
                        return a + b
                    case ast.Sub():
                        return a - b
                    case ast.Mult():
                        return a * b
                    case ast.Div():
                        return np.float32(math.nan) if b == 0 else a / b
    raise AssertionError(ast.dump(at))

#include "tandem/frontends/script/format_source.h"

namespace tandem::script {

// TorchScript's operators know no format specifications; these functions do,
// in the language itself, so that an archive that has them runs in PyTorch too.
// Digits are exact: numbers are held as lists of nine decimal digits each.
absl::string_view FormatSource() {
  return R"PY(
import math
from typing import List, Tuple
from torch import Tensor

def _multiply(limbs: List[int], by: int) -> List[int]:
    out: List[int] = []
    carry = 0
    for limb in limbs:
        v = limb * by + carry
        out.append(v % 1000000000)
        carry = v // 1000000000
    while carry > 0:
        out.append(carry % 1000000000)
        carry = carry // 1000000000
    return out

def _divide(limbs: List[int], by: int) -> Tuple[List[int], int]:
    out = [0 for _ in range(len(limbs))]
    rest = 0
    for j in range(len(limbs)):
        i = len(limbs) - 1 - j
        v = rest * 1000000000 + limbs[i]
        out[i] = v // by
        rest = v % by
    return out, rest

# The digits of x * 10**shift, rounded to the nearest, ties to even.
def _scaled(x: float, shift: int) -> str:
    m, e = math.frexp(x)
    mantissa = int(m * 9007199254740992.0)
    twos = e - 53 + shift
    limbs: List[int] = []
    while mantissa > 0:
        limbs.append(mantissa % 1000000000)
        mantissa = mantissa // 1000000000
    sticky = False
    for _ in range(max(shift, 0)):
        limbs = _multiply(limbs, 5)
    # One two stays to be divided by, whose rest is the half.
    while twos > -1:
        step = min(twos + 1, 20)
        limbs = _multiply(limbs, 1 << step)
        twos -= step
    for _ in range(max(-shift, 0)):
        limbs, rest = _divide(limbs, 5)
        sticky = sticky or rest != 0
    while twos < -1:
        step = min(-1 - twos, 20)
        limbs, rest = _divide(limbs, 1 << step)
        sticky = sticky or rest != 0
        twos += step
    limbs, rest = _divide(limbs, 2)
    up = rest != 0 and (sticky or (len(limbs) > 0 and limbs[0] % 2 == 1))
    if up:
        carry = 1
        for i in range(len(limbs)):
            v = limbs[i] + carry
            limbs[i] = v % 1000000000
            carry = v // 1000000000
        if carry > 0:
            limbs.append(carry)
    text = ""
    for limb in limbs:
        part = str(limb)
        text = part.rjust(9, "0") + text
    text = text.lstrip("0")
    return text if len(text) > 0 else "0"

def _fixed(x: float, precision: int) -> str:
    text = _scaled(x, precision)
    if precision == 0:
        return text
    if len(text) <= precision:
        text = text.rjust(precision + 1, "0")
    cut = len(text) - precision
    return text[:cut] + "." + text[cut:]

# The digits of x with one before the point, and the exponent.
def _exponential(x: float, precision: int) -> Tuple[str, int]:
    if x == 0.0:
        return "".rjust(precision + 1, "0"), 0
    exponent = int(math.floor(math.log10(x)))
    text = _scaled(x, precision - exponent)
    if len(text) > precision + 1:
        exponent += 1
        text = _scaled(x, precision - exponent)
    elif len(text) < precision + 1:
        exponent -= 1
        text = _scaled(x, precision - exponent)
    if len(text) > precision + 1:
        exponent += 1
        text = text[:precision + 1]
    return text, exponent

def _with_exponent(digits: str, exponent: int, point: bool) -> str:
    text = digits[:1]
    if len(digits) > 1 or point:
        text = text + "." + digits[1:]
    power = str(abs(exponent))
    if len(power) < 2:
        power = "0" + power
    return text + ("e-" if exponent < 0 else "e+") + power

def _general(x: float, precision: int, keep: bool, point: bool) -> str:
    digits = max(precision, 1)
    text, exponent = _exponential(x, digits - 1)
    # Without a type, a float keeps one digit behind the point.
    limit = digits - 1 if point else digits
    if exponent < -4 or exponent >= limit:
        if not keep:
            text = text[:1] + text[1:].rstrip("0")
        return _with_exponent(text, exponent, False)
    fixed = _fixed(x, max(digits - 1 - exponent, 0))
    if not keep and "." in fixed:
        fixed = fixed.rstrip("0").rstrip(".")
    if point and "." not in fixed:
        fixed = fixed + ".0"
    return fixed

def _shortest(x: float) -> str:
    for precision in range(1, 18):
        digits, exponent = _exponential(x, precision - 1)
        if float(_with_exponent(digits, exponent, False)) == x:
            if exponent < -4 or exponent >= 16:
                return _with_exponent(digits, exponent, False)
            fixed = _fixed(x, max(precision - 1 - exponent, 0))
            return fixed if "." in fixed else fixed + ".0"
    return str(x)

def _group(text: str, mark: str, size: int) -> str:
    out = ""
    while len(text) > size:
        cut = len(text) - size
        out = mark + text[cut:] + out
        text = text[:cut]
    return text + out

# fill, align, sign, alternate, width, grouping, precision, type
def _parse(spec: str) -> Tuple[str, str, str, bool, int, str, int, str]:
    fill = " "
    align = ""
    at = 0
    if len(spec) >= 2 and spec[1] in "<>=^":
        fill = spec[0]
        align = spec[1]
        at = 2
    elif len(spec) >= 1 and spec[0] in "<>=^":
        align = spec[0]
        at = 1
    sign = "-"
    if at < len(spec) and spec[at] in "+- ":
        sign = spec[at]
        at += 1
    alternate = False
    if at < len(spec) and spec[at] == "#":
        alternate = True
        at += 1
    if at < len(spec) and spec[at] == "0":
        if align == "":
            fill = "0"
            align = "="
        at += 1
    width = 0
    while at < len(spec) and spec[at].isdigit():
        width = width * 10 + int(spec[at])
        if width > 1000000:
            raise ValueError("Too many decimal digits in format string")
        at += 1
    grouping = ""
    if at < len(spec) and spec[at] in ",_":
        grouping = spec[at]
        at += 1
    precision = -1
    if at < len(spec) and spec[at] == ".":
        at += 1
        if at >= len(spec) or not spec[at].isdigit():
            raise ValueError("Format specifier missing precision")
        precision = 0
        while at < len(spec) and spec[at].isdigit():
            precision = precision * 10 + int(spec[at])
            if precision > 10000:
                raise ValueError("Too many decimal digits in format string")
            at += 1
    kind = ""
    if at < len(spec):
        kind = spec[at]
        at += 1
    if at < len(spec):
        raise ValueError("Invalid format specifier '" + spec + "'")
    return fill, align, sign, alternate, width, grouping, precision, kind

def _pad(prefix: str, text: str, fill: str, align: str, width: int) -> str:
    missing = width - len(prefix) - len(text)
    if missing <= 0:
        return prefix + text
    if align == "=":
        return prefix + "".rjust(missing, fill) + text
    if align == "<":
        return prefix + text + "".rjust(missing, fill)
    if align == "^":
        left = missing // 2
        return "".rjust(left, fill) + prefix + text + "".rjust(missing - left, fill)
    return "".rjust(missing, fill) + prefix + text

def format_str(value: str, spec: str) -> str:
    fill, align, sign, alternate, width, grouping, precision, kind = _parse(spec)
    if kind != "" and kind != "s":
        raise ValueError("Unknown format code '" + kind + "' for object of type 'str'")
    if align == "=":
        if fill != "0":
            raise ValueError("'=' alignment not allowed in string format specifier")
        align = "<"
    text = value
    if precision >= 0:
        text = value[:precision]
    return _pad("", text, fill, align if align != "" else "<", width)

def format_float(value: float, spec: str) -> str:
    fill, align, sign, alternate, width, grouping, precision, kind = _parse(spec)
    negative = value < 0.0 or (value == 0.0 and math.copysign(1.0, value) < 0.0)
    prefix = "-" if negative else (sign if sign != "-" else "")
    x = abs(value)
    text = ""
    lower = kind.lower()
    if math.isnan(value):
        prefix = sign if sign != "-" else ""
        text = "nan" + ("%" if kind == "%" else "")
    elif math.isinf(value) or (kind == "%" and math.isinf(x * 100.0)):
        text = "inf" + ("%" if kind == "%" else "")
    elif lower == "f":
        text = _fixed(x, precision if precision >= 0 else 6)
    elif lower == "e":
        digits, exponent = _exponential(x, precision if precision >= 0 else 6)
        text = _with_exponent(digits, exponent, alternate)
    elif lower == "g" or kind == "n":
        text = _general(x, precision if precision >= 0 else 6, alternate, False)
    elif kind == "%":
        text = _fixed(x * 100.0, precision if precision >= 0 else 6) + "%"
    elif kind == "":
        if precision >= 0:
            text = _general(x, precision, False, True)
        else:
            text = _shortest(x)
    else:
        raise ValueError("Unknown format code '" + kind + "' for object of type 'float'")
    if kind == "F" or kind == "E" or kind == "G":
        text = text.upper()
    if grouping != "":
        cut = 0
        while cut < len(text) and text[cut].isdigit():
            cut += 1
        whole = text[:cut]
        if fill == "0" and align == "=":
            # Zeros that fill are grouped too.
            while len(_group(whole, grouping, 3)) + len(prefix) + len(text) - cut < width:
                whole = "0" + whole
        text = _group(whole, grouping, 3) + text[cut:]
    return _pad(prefix, text, fill, align if align != "" else ">", width)

def format_int(value: int, spec: str) -> str:
    fill, align, sign, alternate, width, grouping, precision, kind = _parse(spec)
    if kind in "eEfFgG%" and kind != "":
        return format_float(float(value), spec)
    if precision >= 0:
        raise ValueError("Precision not allowed in integer format specifier")
    prefix = "-" if value < 0 else (sign if sign != "-" else "")
    size = 3
    digits = str(value)
    if value < 0:
        digits = digits[1:]
    if kind == "c":
        return _pad("", chr(value), fill, align if align != "" else "<", width)
    if kind == "b" or kind == "o" or kind == "x" or kind == "X":
        size = 4
        base = 2 if kind == "b" else 8 if kind == "o" else 16
        rest = value
        digits = "" if value != 0 else "0"
        while rest != 0:
            digit = rest % base if rest > 0 else -((-rest) % base) if rest > -9223372036854775807 else -((-(rest + base)) % base)
            digits = "0123456789abcdef"[abs(digit)] + digits
            rest = (rest - digit) // base
        if alternate:
            prefix = prefix + "0" + kind
        if kind == "X":
            digits = digits.upper()
    elif kind != "" and kind != "d" and kind != "n":
        raise ValueError("Unknown format code '" + kind + "' for object of type 'int'")
    if grouping != "":
        if fill == "0" and align == "=":
            while len(_group(digits, grouping, size)) + len(prefix) < width:
                digits = "0" + digits
        digits = _group(digits, grouping, size)
    return _pad(prefix, digits, fill, align if align != "" else ">", width)

def format_bool(value: bool, spec: str) -> str:
    if spec == "":
        return str(value)
    return format_int(int(value), spec)

def format_tensor(value: Tensor, spec: str) -> str:
    if spec == "":
        return str(value)
    if value.dim() != 0:
        raise TypeError("unsupported format string passed to Tensor.__format__")
    if value.is_floating_point():
        return format_float(float(value), spec)
    return format_int(int(value), spec)

def repr_str(value: str) -> str:
    quote = "'"
    if "'" in value and '"' not in value:
        quote = '"'
    out = ""
    for c in value:
        if c == quote or c == "\\":
            out = out + "\\" + c
        elif c == "\n":
            out = out + "\\n"
        elif c == "\r":
            out = out + "\\r"
        elif c == "\t":
            out = out + "\\t"
        else:
            out = out + c
    return quote + out + quote
)PY";
}

}  // namespace tandem::script

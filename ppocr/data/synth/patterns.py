"""Short strings that word lists lack: numbers, dates, prices, telephone numbers, addresses of the web, codes, units.

Receipts, forms and signs consist of them. Each maker takes the random generator and a language code.
"""

from __future__ import annotations

import string
from typing import Callable, Dict, Sequence

import numpy as np

from ppocr.data.synth.chance import Weighted, chance, integer, pick

Maker = Callable[[np.random.Generator, str], str]

_UPPER = string.ascii_uppercase
_NAMES = (
    "info", "sales", "hello", "contact", "office", "service", "admin", "mail", "shop", "news", "support", "team",
    "anna", "li.wei", "marie", "j.smith", "m-weber", "tanaka", "kim", "zhang", "paul", "sofia", "lucas", "emma",
)  # fmt: skip
_HOSTS = (
    "example", "city-hotel", "greentea", "bookstore", "techworld", "sunrise", "freshfood", "oceanview", "goldstar",
    "fastship", "mediclinic", "unipress", "airlines", "bankofnorth", "teahouse", "musicbox", "photolab", "kaffee",
)  # fmt: skip
_DOMAINS = {
    "zh": ("cn", "com.cn", "com", "net"), "en": ("com", "org", "net", "co.uk", "io"), "fr": ("fr", "com", "eu"),
    "de": ("de", "com", "eu"), "ja": ("jp", "co.jp", "com"), "ko": ("kr", "co.kr", "com"),
}  # fmt: skip
_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
           "November", "Dezember"),
}  # fmt: skip
_DAYS = {
    "zh": ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    "ja": ("(月)", "(火)", "(水)", "(木)", "(金)", "(土)", "(日)"),
    "ko": ("(월)", "(화)", "(수)", "(목)", "(금)", "(토)", "(일)"),
}
_YMD = {"zh": "{y}年{m}月{d}日", "ja": "{y}年{m}月{d}日", "ko": "{y}년 {m}월 {d}일"}
_UNITS = (
    "kg", "g", "mg", "t", "km", "m", "cm", "mm", "L", "ml", "m²", "kW", "W", "V", "A", "Hz", "MHz", "GB", "MB", "TB",
    "°C", "℃", "%", "km/h", "kcal", "dB", "px", "dpi", "min", "h", "s", "pcs", "x",
)  # fmt: skip
_OWN_UNITS = {
    "zh": ("元", "千克", "公里", "米", "个", "件", "小时", "分钟", "平方米", "万元", "人", "页", "号", "楼", "层"),
    "ja": ("円", "個", "人", "分", "時間", "階", "本", "枚", "番", "年", "万円"),
    "ko": ("원", "개", "명", "분", "시간", "층", "장", "번", "만원", "년"),
}


def digits(rng: np.random.Generator, count: int) -> str:
    """`count` random digits; the first may be 0."""
    return "".join(pick(rng, string.digits) for _ in range(count))


def number(rng: np.random.Generator, lang: str) -> str:
    """12, 3.141, 1,234,567, -5, 12 345,6, №…"""
    value = integer(rng, 0, 10 ** integer(rng, 1, 7))
    style = rng.random()
    if style < 0.35:
        return str(value)
    grouped = _grouped(value, lang)
    if style < 0.6:
        return grouped
    fraction = digits(rng, integer(rng, 1, 3))
    return f"{'-' if chance(rng, 0.1) else ''}{grouped if chance(rng, 0.5) else value}{_comma(lang)}{fraction}"


def percent(rng: np.random.Generator, lang: str) -> str:
    sign = pick(rng, ("", "", "", "+", "-", "±"))
    gap = " " if lang in ("fr", "de") and chance(rng, 0.5) else ""
    return f"{sign}{integer(rng, 0, 120)}{_comma(lang) + digits(rng, 1) if chance(rng, 0.4) else ''}{gap}%"


def price(rng: np.random.Generator, lang: str) -> str:
    value = integer(rng, 1, 10 ** integer(rng, 1, 5))
    if lang in ("ja", "ko"):
        amount, before, after = f"{value * 10:,}", {"ja": "¥", "ko": "₩"}[lang], {"ja": "円", "ko": "원"}[lang]
    else:
        amount = _grouped(value, lang) + _comma(lang) + digits(rng, 2)
        before, after = {"zh": ("￥", "元"), "en": (pick(rng, "$$£€"), " USD")}.get(lang, ("€ ", " €"))
    style = rng.random()
    if style < 0.45:
        return before + amount
    return amount + after if style < 0.85 else amount


def date(rng: np.random.Generator, lang: str) -> str:
    year, month, day = integer(rng, 1950, 2049), integer(rng, 1, 12), integer(rng, 1, 28)
    style = rng.random()
    if lang in _YMD and style < 0.45:
        text = _YMD[lang].format(y=year, m=month, d=day)
        return text + pick(rng, _DAYS[lang]) if chance(rng, 0.2) else text
    if lang in _MONTHS and style < 0.35:
        name = _MONTHS[lang][month - 1]
        if lang == "en":
            return f"{name if chance(rng, 0.5) else name[:3]} {day}, {year}"
        return f"{day}{'.' if lang == 'de' else ''} {name} {year}"
    mark = pick(rng, {"de": ".", "fr": "/", "en": "/-"}.get(lang, "-/."))
    if lang in ("de", "fr", "en") and chance(rng, 0.7):
        return f"{day:02d}{mark}{month:02d}{mark}{year if chance(rng, 0.6) else f'{year % 100:02d}'}"
    return f"{year}{mark}{month:02d}{mark}{day:02d}"


def time(rng: np.random.Generator, lang: str) -> str:
    hour, minute = integer(rng, 0, 23), integer(rng, 0, 59)
    style = rng.random()
    if style < 0.15 and lang in ("zh", "ja", "ko"):
        return f"{hour}{ {'zh': '时', 'ja': '時', 'ko': '시 '}[lang] }{minute:02d}{'분' if lang == 'ko' else '分'}"
    if style < 0.3:
        return f"{hour:02d}:{minute:02d}:{integer(rng, 0, 59):02d}"
    if style < 0.4 and lang == "en":
        return f"{hour % 12 or 12}:{minute:02d} {pick(rng, ('AM', 'PM', 'a.m.', 'p.m.'))}"
    if style < 0.55:
        return f"{hour:02d}:{minute:02d}-{integer(rng, 0, 23):02d}:{integer(rng, 0, 59):02d}"
    return f"{hour}h{minute:02d}" if lang == "fr" and style < 0.75 else f"{hour:02d}:{minute:02d}"


def phone(rng: np.random.Generator, lang: str) -> str:
    forms = {
        "zh": ("1##########", "0##-########", "400-###-####", "+86 1## #### ####", "(0###)#######", "8######"),
        "en": ("(###) ###-####", "###-###-####", "+1 ### ### ####", "1-800-###-####", "+44 20 #### ####"),
        "fr": ("0# ## ## ## ##", "0#.##.##.##.##", "+33 # ## ## ## ##"),
        "de": ("0##/######", "0### ######", "+49 ## #######", "(0##) ####-##"),
        "ja": ("0#-####-####", "0##-###-####", "0120-###-###", "090-####-####", "+81-#-####-####"),
        "ko": ("0#-###-####", "010-####-####", "0##)###-####", "15##-####", "+82-10-####-####"),
    }[lang]
    labels = {"zh": ("电话：", "Tel:", "手机:"), "ja": ("TEL ", "電話:"), "ko": ("전화 ", "TEL.")}
    body = "".join(pick(rng, string.digits) if mark == "#" else mark for mark in pick(rng, forms))
    return pick(rng, labels.get(lang, ("Tel. ", "Fax: "))) + body if chance(rng, 0.2) else body


def email(rng: np.random.Generator, lang: str) -> str:
    name = pick(rng, _NAMES) + (digits(rng, integer(rng, 1, 4)) if chance(rng, 0.3) else "")
    return f"{name}@{pick(rng, _HOSTS)}.{pick(rng, _DOMAINS[lang])}"


def url(rng: np.random.Generator, lang: str) -> str:
    start = pick(rng, ("www.", "http://", "https://", "http://www.", "https://www.", ""))
    path = pick(rng, ("", "", "", "/", "/index.html", "/p/" + digits(rng, 4), "/?id=" + digits(rng, 3), "/" + lang))
    return f"{start}{pick(rng, _HOSTS)}.{pick(rng, _DOMAINS[lang])}{path}"


def code(rng: np.random.Generator, lang: str) -> str:
    """Serial numbers, number plates, article numbers: letters and digits without a word in them."""
    groups = [_group(rng) for _ in range(integer(rng, 1, 4))]
    text = pick(rng, ("", "-", "-", " ", "/", ".", "_")).join(groups)
    return pick(rng, ("No.", "#", "ID:", "SN:", "№ ", "Ref. ")) + text if chance(rng, 0.15) else text


def _group(rng: np.random.Generator) -> str:
    style, length = rng.random(), integer(rng, 1, 5)
    if style < 0.45:
        return digits(rng, length)
    letters = _UPPER if style < 0.85 else string.ascii_letters
    mixed = letters + string.digits if style > 0.65 else letters
    return "".join(pick(rng, mixed) for _ in range(length))


def measure(rng: np.random.Generator, lang: str) -> str:
    value = str(integer(rng, 0, 999)) + (_comma(lang) + digits(rng, integer(rng, 1, 2)) if chance(rng, 0.35) else "")
    if lang in _OWN_UNITS and chance(rng, 0.6):
        return value + pick(rng, _OWN_UNITS[lang])
    if chance(rng, 0.12):
        return f"{value}{pick(rng, 'x×*')}{integer(rng, 1, 999)}{pick(rng, ('mm', 'cm', ''))}"
    return value + (" " if chance(rng, 0.4) else "") + pick(rng, _UNITS)


def ratio(rng: np.random.Generator, lang: str) -> str:
    mark = pick(rng, (":", "/", " / ", "-", "~", " - ", "："))
    return f"{integer(rng, 0, 200)}{mark if lang in ('zh', 'ja') else mark.replace('：', ':')}{integer(rng, 1, 200)}"


_ALL = Weighted([
    (number, 4), (percent, 1), (price, 3), (date, 3), (time, 1.5), (phone, 2), (email, 1), (url, 1.5), (code, 3),
    (measure, 2.5), (ratio, 0.6),
])  # fmt: skip
MAKERS: Dict[str, Maker] = {maker.__name__: maker for maker in _ALL.items}


_PLAIN: Sequence[Maker] = (number, price, date, time, phone, percent)  # without letters that look like digits


def make(rng: np.random.Generator, lang: str, rarity: float = 1.0) -> str:
    """Any of the kinds above; at rarity 0 those alone that can be read without knowing what they mean."""
    if not chance(rng, rarity):
        return pick(rng, _PLAIN)(rng, lang)
    return _ALL.draw(rng)(rng, lang)


def _comma(lang: str) -> str:
    return "," if lang in ("fr", "de") else "."


def _grouped(value: int, lang: str) -> str:
    return f"{value:,}".replace(",", {"fr": " ", "de": "."}.get(lang, ","))

"""Texts that every embedder must take: plain ones in two languages, and odd ones."""

__all__ = ["ODD", "PLAIN", "VERY_LONG"]

PLAIN = [
    "The film was better than the book.",
    "这部电影比原著好看。",
    "good good good movie",
    "我喜欢 this movie 非常 much",
    "A",
    "42 is 6 * 7",
]

ODD = [
    "",
    " \t\n\u3000",
    "qwxzkj vvbnq",
    "\x00\x01 nul",
    "\ud800 a lone surrogate",
    "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 \u202eright to left\u202c",
    "ﷺ" * 3 + " ①② ß İ ſ",
    "!!! ??? ...",
]

VERY_LONG = "a very long text 很长 " * 10_000

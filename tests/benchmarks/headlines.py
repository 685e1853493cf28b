"""The few figures of the benchmarks' page that the READMEs show, in each one's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["headlines", "write_headlines"]

READMES = {"en": "README.md", "zh": "README.zh-CN.md"}
HEADERS = {"en": ("work", "beside", "times as fast"), "zh": ("工作", "对比", "速度倍数")}
BEGIN, END = "<!-- bench -->", "<!-- /bench -->"


@dataclass(frozen=True)
class Headline:
    """A line of the READMEs: which row of which section it is, and what it is called."""

    section: str
    cells: tuple[str, ...]
    en: str
    zh: str
    peer: str
    optional: bool = False  # beside a program that pip does not install


HEADLINES = (
    Headline("counting", ("fit_transform, unigrams",), "counting words", "统计词频", "scikit-learn"),
    Headline(
        "counting", ("fit_transform, 1-2-grams",), "counting words and pairs", "统计词与词对", "scikit-learn"
    ),
    Headline(
        "word2vec",
        ("skip-gram, 100 dimensions", "gensim"),
        "Word2Vec skip-gram, 100 dimensions, training",
        "Word2Vec skip-gram，100 维，训练",
        "gensim",
    ),
    Headline(
        "word2vec",
        ("skip-gram, 100 dimensions", "pWord2Vec"),
        "Word2Vec skip-gram, 100 dimensions, training",
        "Word2Vec skip-gram，100 维，训练",
        "pWord2Vec",
        optional=True,
    ),
    Headline(
        "word2vec",
        ("CBOW, 100 dimensions", "gensim"),
        "Word2Vec CBOW, 100 dimensions, training",
        "Word2Vec CBOW，100 维，训练",
        "gensim",
    ),
    Headline(
        "glove", ("Stanford's GloVe",), "GloVe, training", "GloVe，训练", "Stanford's GloVe", optional=True
    ),
    Headline(
        "fasttext",
        ("skip-gram with parts", "gensim"),  # the faster of the two peers
        "fastText skip-gram, training",
        "fastText skip-gram，训练",
        "gensim",
    ),
    Headline(
        "fasttext",
        ("classifier, softmax", "fastText"),
        "fastText classifier, training",
        "fastText 分类器，训练",
        "fastText",
    ),
    Headline(
        "fasttext-models",
        ("reviews classified a second", "fastText"),
        "fastText classifier, 30,000 reviews",
        "fastText 分类器，三万条评论",
        "fastText",
    ),
    Headline(
        "looking-up",
        ("mean vectors of 10,000 reviews, 50 dimensions", "model2vec"),
        "mean vectors of 10,000 reviews",
        "一万条评论的平均向量",
        "model2vec",
    ),
    Headline(
        "looking-up",
        ("10 neighbours of 50 of 400,000 words, exact", "gensim"),
        "exact neighbours among 400,000 words",
        "四十万词中的精确近邻",
        "gensim",
    ),
    Headline(
        "embedding",
        ("300 reviews, torch, float32",),
        "MiniLM, 300 reviews, the same vectors",
        "MiniLM，三百条评论，向量相同",
        "sentence-transformers",
    ),
)


def headlines(figures: Mapping[str, Any], language: str) -> str:
    """Return the table of a README: for each headline its ratio, as the page has it."""
    lines = [HEADERS[language], ("---",) * 3]
    for line in HEADLINES:
        section = figures[line.section]
        ratio = next(i for i, header in enumerate(section["headers"]) if header.startswith("times as fast"))
        rows = [row for row in section["rows"] if set(line.cells) <= set(row)]
        if line.optional and not rows:
            continue
        row = rows[0]
        lines.append((getattr(line, language), line.peer, f"{float(row[ratio]):.1f}"))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_headlines(root: Path, figures: Mapping[str, Any]) -> None:
    """Put the tables into the READMEs of ``root``."""
    for language, name in READMES.items():
        page = root / name
        before, rest = page.read_text(encoding="utf-8").split(BEGIN)
        after = rest.split(END)[1]
        page.write_text(f"{before}{BEGIN}\n{headlines(figures, language)}\n{END}{after}", encoding="utf-8")

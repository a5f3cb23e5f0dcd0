"""Writes patterns.json: what pre-tokenizers and added tokens of the tokenizers library make of text. Needs tokenizers 0.23.

    python3 test/golden/tokenizers/make.py
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

# Numbers and letters of Latin-1, ends of words and lines, what joins letters, words with punctuation.
TEXT = "²x é½ a\u200db 12٣\nend. Été's\r\n_ok_\u2028camelCaseWord, 秦川 (x²)\tl’été"
PATTERNS = [
    r"\w", r"\W+", r"[\w']+", r"[^\w\s]+", r"\b\w", r"\w\b", r"\B", r".", r"^.", r".$", r"(?=[A-Z])", r"\p{Han}",
    r"\d+", r"\s+",
]  # fmt: skip


def word_level(pieces, **parts):
    words = sorted({piece for piece in pieces})
    tokenizer = Tokenizer(models.WordLevel({w: k for k, w in enumerate(["<unk>", *words])}, unk_token="<unk>"))
    for name, part in parts.items():
        setattr(tokenizer, name, part)
    return tokenizer


def case(name, tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    file = json.loads(tokenizer.to_str())
    return {"name": name, "file": file, "text": text, "ids": ids, "decoded": tokenizer.decode(ids)}


def split(pattern, behavior, invert):
    cut = pre_tokenizers.Split(Regex(pattern), behavior, invert=invert)
    return word_level([piece for piece, _ in cut.pre_tokenize_str(TEXT)], pre_tokenizer=cut)


cases = [
    case(f"{pattern} {behavior}{' invert' if invert else ''}", split(pattern, behavior, invert), TEXT)
    for pattern in PATTERNS
    for behavior, invert in [("isolated", False), ("removed", True)]
]
whitespace = pre_tokenizers.Whitespace()
cases.append(
    case("Whitespace", word_level([p for p, _ in whitespace.pre_tokenize_str(TEXT)], pre_tokenizer=whitespace), TEXT)
)

# Longer than a section: words with punctuation stay whole, text that is not cut at all as well.
LONG = "end. (a,b) " * 400
spaces = pre_tokenizers.WhitespaceSplit()
cases.append(case("long, words by spaces", word_level(["end.", "(a,b)"], pre_tokenizer=spaces), LONG))
pairs = {"<unk>": 0, "a": 1, " ": 2, "b": 3, "a ": 4, " b": 5, "a b": 6}
merges = [("a", " "), ("a ", "b")]
cases.append(case("long, not cut", Tokenizer(models.BPE(pairs, merges, unk_token="<unk>")), "a b" * 1500))

# Added tokens, looked for before and after text is normalised; without a decoder they are words like others.
for normalized in (False, True):
    added = word_level(["a", "b", "new"], normalizer=normalizers.Lowercase(), pre_tokenizer=whitespace)
    added.add_tokens([AddedToken("[NEW]", normalized=normalized)])
    one = case(f"added, normalized {normalized}", added, "A [NEW] b [new]a[NEW]B")
    del one["decoded"]
    cases.append(one)
plain = word_level(["a", "b"], pre_tokenizer=whitespace)
plain.add_tokens(["[NEW]"])
cases.append(case("added, decoded", plain, "a[NEW]b [NEW][NEW]"))

Path(__file__).with_name("patterns.json").write_text(json.dumps({"software": "tokenizers 0.23.2", "cases": cases}) + "\n")

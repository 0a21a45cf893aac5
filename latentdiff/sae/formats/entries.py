"""Config entries as evidence: which of them may change the codes of an SAE, whoever wrote them and however deep they lie."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

Names = tuple[str, ...]
"""Of an entry, from the outermost dict to the innermost."""

EQUATION = re.compile(
    r"(^|_)("
    # how many concepts are active, and from which value on
    r"ks?|kval|k_?\d+|[a-z]*topk\w*|top_k\w*|l0|nnz|non_?zeros?|active|thresholds?|jump\w*|gates?|gated|gating|kwta|wta|"
    # the activation
    r"(pre|post)?acts?|(pre|post)?activations?|nonlin\w*|[a-z]*relu\d*|[a-z]?elu|selu|celu|silu|swish|mish|tanh|sigmoid|leaky|"
    r"negative_slope|slopes?|temperature|power|exponent|caps?|clamp\w*|clipp\w*|clip_(val\w*|max\w*|min\w*|range|at|to|codes?|acts?\w*)|"
    r"shrink\w*|soft(?!ware)\w*|hard(tanh|swish|sigmoid|shrink)|maxout|groupmax|sparsemax|entmax|abs\w*|signed|binar\w*|quanti[sz]\w*|"
    r"rounded|rounding|log1p|sqrt|"
    # what becomes of the input, and of the codes
    r"\w*norm\w*|ln|standardi[sz]\w*|z_?score\w*|[a-z]*scal(e|es|ed|er|ing)\w*|cent(er|re)\w*|demean\w*|means?|stds?|rms\w*|whiten\w*|zca|"
    r"divide\w*|"
    r"preprocess\w*|postprocess\w*|input_transforms?|subtract\w*|(inputs?|in|x|data|dataset|acts?|activations?|outputs?|out)_"
    r"(factors?|multipliers?|mult|gain|divisor|shift)|"
    # its parts
    r"bias(es)?|b_dec|b_enc|(un)?(tie|tied|tying)|transcod\w*|crosscod\w*|skip|residual|encoder_layers|pursuit|l?ista|unroll\w*|"
    # its class
    r"sae_type|architecture|variant|(sae|dict|dictionary|autoencoder|ae)_(class|cls|kind|arch|model|mode)"
    r")(_|$)|^(class|cls|class_name|thetas?|clip)$"
)
"""Names that say something of the equation."""
DATA = re.compile(
    r"(^|_)((cached|stored?|num|n|log)_)?(activations?|acts?)_(dims?|sizes?|paths?|dirs?|files?|folders?|stores?|buffers?|datasets?|batch\w*|"
    r"tokens?|width|source|root|layers?|site)(?=_|$)|(^|_)(cached|stored|num|n)_(activations?|acts?)(?=_|$)"
)
"""Parts of names in which activations are the vectors that an SAE is trained on."""
DECODER = re.compile(r"normali[sz]e_((sae|w)_)*dec(oder)?(_(norms?|weights?|columns?))?")
"""Whether training kept the decoder's directions at unit length: no matter to finished weights."""
TRAINING = re.compile(
    r"(^|_)(aux\w*|\w*loss(es)?|lr|learning_rate|grads?|gradients?|ghost|wandb|device|d_?types?|steps?|warm_?ups?|bandwidth|dead|anneal\w*|"
    r"resampl\w*|(re_?)?init\w*|penalt(y|ies)|l\d_(coeff\w*|lambda|weight)|run_name|experiments?|exp_name|tags?|notes?|description|comments?)"
    r"(_|$)|^threshold_(beta|momentum|ema\w*|start\w*)$|^lp_norm$"
)
"""Names of entries that steer training, in every library that is read: of the finished equation they say nothing."""
PLACE = re.compile(r"(^|_)(paths?|dirs?|dirname|folders?|files?|filename|urls?|repo\w*|root)(_|$)")
"""Names of entries whose texts are places, whatever words they hold."""
ASIDE = re.compile(
    r"(optimi[sz]ers?|optim|\w*schedulers?|wandb|logging|loggers?|\w*loss(es)?|eval|evals|evaluation|metrics|results|aux\w*)"
    r"(_(config|cfg|kwargs|args|params))?"
)
"""Names of dicts that hold nothing of the equation."""
TRAINED = re.compile(r"train(ing|er)?(_|$)")
"""Names of dicts whose entries are judged one by one, whatever else the name says: "training_architecture_details"."""
DENIED = re.compile(r"(^|_)(bias|b_dec|b_enc|relu)(_|$)")
"""Names of parts that our equation has: an entry that says false of one says something."""
SILENT: tuple[Any, ...] = (None, False, "", "none", "None", 0)
"""Values that say nothing of such an entry."""

_SORT = r"(batch|global|group|multi|abs|absolute|signed|sparse|leaky|hard|soft|jump|step|quick|nested|tied|untied|skip|ra|masked)"
_WORD = (
    r"(topk|jumprelu|gated|leakyrelu|p?relu6|prelu|rrelu|crelu|[gsc]elu|elu|silu|swish|mish|tanh|tanhrelu|sigmoid|softplus|softmax|softsign|"
    r"shrink(age)?|threshold(ed|ing)?|groupmax|maxout|sparsemax|entmax|kwta|wta|transcoder|crosscoder|signed|absolute|(layer|batch|rms|group|"
    r"instance|unit|l2|input)norm(ali[sz](ed?|ation))?|normali[sz]e[d]?|whiten(ed|ing)?|zca|standardi[sz](ed?|ation)|zscore|matchingpursuit|omp|"
    r"l?ista|quanti[sz]ed|binary|abs|(matr[yo]{2}shka|hierarchical|temporal|archetypal|gated|quanti[sz]ed)(sae|autoencoder))"
)
_REST = (
    r"(sae|autoencoder|dictionary|dict|transcoder|encoder|coder|ae|model|module|layer|function|fn|act|activation|config|trainer|"
    r"training|v?\d)"
)
NAMED = re.compile(rf"({_REST}|{_SORT})*{_WORD}({_REST}|{_SORT})*")
"""Texts, without capitals and marks, that name an activation, a class of SAEs or a normalisation: "topk", "TopKSAE", "layer_norm".

relu is none of them: all equations that are read have it."""
MAX_NAME = 60
"""Characters of such a text."""


def leaves(entries: Mapping[Any, Any], above: Names = ()) -> Iterator[tuple[Names, Any]]:
    """Every value of a config with its path. Configs of vision and language models inside it say nothing of an SAE and are left out."""
    for name, value in entries.items():
        yield from _inside(value, (*above, str(name)))


def _inside(value: Any, path: Names) -> Iterator[tuple[Names, Any]]:
    if isinstance(value, Mapping):
        if not of_model(value):
            yield from leaves(value, path)
    elif isinstance(value, (list, tuple)) and any(isinstance(item, (Mapping, list, tuple, str)) for item in value):
        for item in value:
            yield from _inside(item, path)
    else:
        yield path, value


def of_model(entries: Mapping[Any, Any]) -> bool:
    """Whether a dict is the config of a transformer: no SAE has attention heads."""
    return "num_attention_heads" in entries or {"n_heads", "n_layers"} <= set(entries)


def may_change_codes(path: Names, value: Any) -> bool:
    """Whether an entry says something of the equation: by a word in a name on its path, or by naming an activation or a class."""
    *above, name = path
    words = _words(name)
    if any(ASIDE.fullmatch(_words(outer)) for outer in above) or _is_silent(words, value):
        return False
    if any(_of_equation(outer) and not TRAINED.match(_words(outer)) for outer in above):
        return True
    if TRAINING.search(words) or DECODER.fullmatch(words):
        return False
    return _of_equation(name) or (not PLACE.search(words) and names_activation(value))


def _is_silent(words: str, value: Any) -> bool:
    if isinstance(value, (list, tuple, Mapping)):
        return not value
    plain = value is None or isinstance(value, (bool, int, float, str))
    return plain and value in SILENT and not (value is False and DENIED.search(words))


def names_activation(value: Any) -> bool:
    """Whether a value is a text that names an activation, a class of SAEs or a normalisation."""
    if not isinstance(value, str) or len(value) > 2 * MAX_NAME:
        return False
    last = value.rpartition(".")[2]  # of a class with its module
    return len(last) <= MAX_NAME and NAMED.fullmatch(re.sub(r"[^a-z0-9]", "", last.lower())) is not None


def is_named(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name fits one of the patterns, in which * stands for anything."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _of_equation(name: str) -> bool:
    return any(EQUATION.search(DATA.sub("", form)) for form in (_words(name), _words(name.lower())))


def _words(name: str) -> str:
    """The words of a name between underscores: ``topK`` and ``top-k`` are ``top_k``."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:200]).lower()).strip("_")

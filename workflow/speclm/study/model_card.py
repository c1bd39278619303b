"""The card of a served model: what it is, what it was made of and for, how good it is, what it is not for.

In: the rows of results.tsv (the served model first), the advice that went before, and the rows of config/datasets.tsv
that the text came from. Out: Markdown with the head that model hubs read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from speclm.data.names import plain_name
from speclm.data.single_bytes import STRANGE
from speclm.study.layout import DASH, count, markdown_rows, number, signed, with_interval

Row = Mapping[str, Any]
FEW = 30  # test documents below which an interval is a rough guess


def model_card(
    results: pd.DataFrame, advice: Mapping[str, Any], data: Mapping[str, Row], made: Row, origin: Row
) -> str:
    """The card.

    Args:
        results: results.tsv. advice: advice.json.
        data: the data sets, by "domain" and "generic": dataset, licence, origin, source.
        made: facts beside the weights: model, seed, expert, tokens, steps, best_step.
        origin: run, commit, machine, threads, precision.
    """
    rows: list[Row] = [{str(key): value for key, value in row.items()} for row in results.to_dict("records")]
    served = rows[0]
    perplexity = with_interval(served["perplexity"], served["low"], served["high"])
    latency = with_interval(served["ms_per_token"], served["ms_low"], served["ms_high"])
    parts = [
        "---\nlibrary_name: transformers\npipeline_tag: text-generation\nlicense: other\n---",
        f"# {plain_name(advice['name'])}: a small language model for one domain",
        f"{served['label']}, {served['parameters']:,} parameters, context {made['model']['context']} tokens: a GPT-2 "
        f"without biases, made by speclm (run {origin['run']}, commit {origin['commit'] or 'unknown'}).",
        "## Use",
        USE,
        "## Quality",
        f"Perplexity {perplexity} (95 % interval over {served['documents']} test "
        f"documents, {served['tokens']:,} tokens that nothing was chosen by), {served['bits_per_byte']:.3f} bits per "
        "byte. Chosen among these by validation loss; `behind`: test loss over that of the served model, nats per "
        "token, paired by document; 0 tokens: before specialisation.",
        "\n".join(markdown_rows(_models(rows))),
        *_verdict(served, advice),
        "## Cost",
        f"{latency} ms per token at batch 1, {origin['threads']} "
        f"thread(s), {origin['precision']}, {origin['machine']}. Specialisation: {count(served['flops_specialize'])} "
        f"FLOPs, {served['seconds_specialize']:.0f} s. Pretraining: {served['budget']:,} tokens.",
        "## Data",
        "\n".join(markdown_rows(_data(advice, data))),
        "The licences of both texts bind who passes the model on; whether they allow that is not for this tool to say.",
        "## How it was made",
        f"{made['steps']} steps of fine-tuning on {served['size']:,} tokens, the best by validation after "
        f"{made['best_step']}"
        + _more_steps(made)
        + f"; seed {made['seed']}"
        + (f", expert {made['expert']}" if served["selection"] != "none" else "")
        + ".",
        "## Limits",
        "\n".join(f"- {line}" for line in _limits(served, advice)),
    ]
    return "\n\n".join(parts) + "\n"


USE = """```python
from transformers import pipeline

generate = pipeline("text-generation", model="this folder")
print(generate("The")[0]["generated_text"])
```

Prompt and new tokens together fill the context, no more; `max_new_tokens=20` ends earlier. `AutoTokenizer` and
`AutoModelForCausalLM` load the parts. Tried with transformers 4.45 and 5.23."""


def _models(rows: Sequence[Row]) -> pd.DataFrame:
    shown = [
        [
            row["label"] + ("" if row["selection"] == "none" else f" ({row['selection']})"),
            f"{row['size']:,}",
            number(row["valid_nll"], 3),
            with_interval(row["perplexity"], row["low"], row["high"], 1),
            DASH if row is rows[0] else signed(row["behind"], row["behind_low"], row["behind_high"]),
            number(row["ms_per_token"]),
        ]
        for row in rows
    ]
    return pd.DataFrame(
        shown, columns=["model", "tokens of the domain", "validation loss", "test perplexity", "behind", "ms per token"]
    )


def _verdict(served: Row, advice: Mapping[str, Any]) -> Iterator[str]:
    first = advice["ranking"][0]
    if served["method"] == first["method"]:
        yield f"The advice had named {first['label']}, and validation agreed."
    else:
        yield f"The advice had named {first['label']}; validation chose {served['label']}."


def _data(advice: Mapping[str, Any], data: Mapping[str, Row]) -> pd.DataFrame:
    sizes = {
        "domain": ", ".join(f"{split} {tokens:,} tokens" for split, tokens in advice["tokens"].items()),
        "generic": "what the run's data_card.md says",
    }
    rows = [(use, row["dataset"], row["origin"], row["licence"], sizes[use]) for use, row in data.items()]
    return pd.DataFrame(rows, columns=["use", "data set", "origin", "licence", "size"])


def _more_steps(made: Row) -> str:
    return ", the last: more steps might have helped" if made["best_step"] == made["steps"] else ""


def _limits(served: Row, advice: Mapping[str, Any]) -> Iterator[str]:
    yield "It continues text of its domain; it follows no instructions, and what it says need not be true or harmless."
    yield "It has one seed, and its rivals the same one: another may order them differently."
    if served["within"] == "no":
        took, limit = served["ms_per_token"], advice["limits"]["latency"]
        yield f"It took {took:.3g} ms per token here, over the limit of {limit:g}: measure it alone."
    if served["documents"] < FEW:
        yield f"{served['documents']} test documents are few: the intervals are rough."
    if advice["byte_share"] >= STRANGE:
        yield f"{advice['byte_share']:.0%} of the domain's tokens are bytes: the tokenizer does not know this script."
    yield "Test documents share no passage with training or generic text, but are of the same origin as the former."

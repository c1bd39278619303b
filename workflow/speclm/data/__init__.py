"""From documents to token windows: sources, splits, contamination, tokenizer, the store."""

"""Studies of the mechanism: what the degradation representation knows, what alpha does with it,
what fusion is worth, what editing changes. `panini study` runs them; docs/mechanism.md reports."""

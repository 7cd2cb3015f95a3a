"""Tables that compare variants of a network: what each row costs, and how good it is after the same training."""

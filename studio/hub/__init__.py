"""The Hub: repositories, cards, sign-in, reachability. The only callers of huggingface_hub's API."""

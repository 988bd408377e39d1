"""What skrnn's speed is made of: the sections of ``run.py``, one module each."""

"""The job runner: what runs, where its state is kept, who goes next, and how its processes are started and ended."""
